"""Rule evaluate_tracking."""

from pathlib import Path

from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.evaluate_tracking import evaluate_tracks_of
from poseflow.steps.label_files import LabelFiles

begin_job(snakemake.log[0])
given, params = snakemake.input, snakemake.params
evaluate_tracks_of(
    LabelFiles.of_run(given.labels, params.labels, params.video_folders, params.labels_key),
    (snakemake.wildcards.video, Path(params.video)),
    [Path(path) for path in given.predictions],
    Path(given.tracks),
    Path(snakemake.output.metrics),
    read_settings(params.step).evaluation,
)
