"""Rule import_predictions."""

from pathlib import Path

from poseflow.media import read_index
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.runs.recordings import shard_frames
from poseflow.steps.import_predictions import import_predictions

begin_job(snakemake.log[0])
given, names = snakemake.input, snakemake.wildcards
index = read_index(given.index)
import_predictions(
    Path(given.file),
    snakemake.params.number,
    index,
    shard_frames(names.shard, index.frames),
    Path(snakemake.output.predictions),
    read_settings(snakemake.params.step).predict,
    names.video,
    snakemake.params.digest,
)
