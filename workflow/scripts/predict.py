"""Rule predict: one shard of a recording's frames in, a predictions table out, read back and checked."""

from pathlib import Path

from poseflow.config import PredictConfig
from poseflow.media import read_index
from poseflow.runs.fingerprints import fingerprint, hash_file
from poseflow.runs.lock import begin_job
from poseflow.runs.provenance import describe_prediction
from poseflow.runs.recordings import shard_frames
from poseflow.runs.releases import read_release
from poseflow.tables import PredictionsWriter, check_predictions, keep_finished, take_finished

begin_job(snakemake.log[0], snakemake.threads)
index, out = read_index(snakemake.input.index), snakemake.output.predictions
release = read_release(snakemake.input.release)
settings = PredictConfig.model_validate(snakemake.params.step["settings"]["predict"])
frames = shard_frames(snakemake.wildcards.shard, index.frames)
made_from = fingerprint(snakemake.params.step, hash_file(Path(snakemake.input.index)), release.id)
notes = {"video": snakemake.wildcards.video, "status": index.status, "reason": index.reason, "made_from": made_from}
notes |= release.metadata | describe_prediction(index, release.models, release.labels, settings)
if not index.is_ok:
    lags = settings.flow.window_frames
    with PredictionsWriter(out, release.skeleton, lags, release.identities, metadata=notes) as writer:
        writer.close(frames=[])
elif not take_finished(out, frames, made_from):
    from poseflow.inference import load_pipeline, predict_shard

    predict_shard(index, load_pipeline(release.folders, settings), frames, out, settings, notes)
    check_predictions(out, frames)
    keep_finished(out)
