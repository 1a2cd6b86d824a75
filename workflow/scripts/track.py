"""Rule track: link one video's predicted instances into tracks."""

from pathlib import Path

from poseflow.config import TrackingConfig
from poseflow.runs import begin_job
from poseflow.tables import clear_finished, read_predictions, write_tracks
from poseflow.tracking import link_tracks

begin_job(snakemake.log[0])
settings = TrackingConfig.model_validate(snakemake.params.tracking)
tracks = link_tracks(read_predictions(snakemake.input.predictions), settings)
write_tracks(tracks, snakemake.output.tracks)
clear_finished(Path(snakemake.input.predictions[0]).parent)
