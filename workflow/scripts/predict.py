"""Rule predict: one shard of a recording's frames in, a predictions table out."""

from poseflow.config import PredictConfig
from poseflow.media import read_index
from poseflow.plan import shard_frames
from poseflow.releases import read_release
from poseflow.runs import begin_job
from poseflow.tables import PredictionsWriter

begin_job(snakemake.log[0], snakemake.threads)
index = read_index(snakemake.input.index)
release = read_release(snakemake.input.release)
settings = PredictConfig.model_validate(snakemake.params.predict)
frames = shard_frames(snakemake.wildcards.shard, index.frames)
notes = {"video": snakemake.wildcards.video, "status": index.status, "reason": index.reason, **release.metadata}
if index.is_ok:
    from poseflow.inference import load_pipeline, predict_shard

    pipeline = load_pipeline(release.folders, settings)
    predict_shard(index, pipeline, frames, snakemake.output.predictions, settings, notes)
else:
    lags = settings.flow.window_frames
    with PredictionsWriter(
        snakemake.output.predictions, release.skeleton, lags, release.identities, metadata=notes
    ) as writer:
        writer.close(frames=[])
