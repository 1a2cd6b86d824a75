"""Rule predict."""

from pathlib import Path

from poseflow.media import read_index
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.runs.places import PLACES
from poseflow.runs.recordings import shard_frames
from poseflow.runs.releases import read_release
from poseflow.steps.predict import predict_frames

begin_job(snakemake.log[0], snakemake.threads)
index, video = read_index(snakemake.input.index), snakemake.wildcards.video
predict_frames(
    index,
    read_release(snakemake.input.release),
    shard_frames(snakemake.wildcards.shard, index.frames),
    Path(snakemake.output.predictions),
    read_settings(snakemake.params.step).predict,
    video,
    PLACES.finished(video),
)
