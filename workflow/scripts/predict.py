"""Rule predict."""

from pathlib import Path

from poseflow.inference.profile import Profile
from poseflow.media import read_index
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.runs.places import PLACES
from poseflow.runs.recordings import shard_frames
from poseflow.runs.releases import read_release
from poseflow.steps.predict import predict_frames

begin_job(snakemake.log[0], snakemake.threads)
given, video = snakemake.input, snakemake.wildcards.video
index = read_index(given.index)
profile = Profile()
predict_frames(
    index,
    read_release(given.release),
    shard_frames(snakemake.wildcards.shard, index.frames),
    Path(snakemake.output.predictions),
    read_settings(snakemake.params.step).predict,
    video,
    PLACES.finished(video),
    Path(given.video) if given.video else None,  # where storage is not the disk that all share, a copy
    profile=profile,
)
profile.write(snakemake.log.profile)
