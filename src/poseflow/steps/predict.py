"""The step `predict`: frames of a recording in, a predictions table out, read back and checked."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from poseflow.config import PredictConfig
from poseflow.media import VideoIndex
from poseflow.runs.fingerprints import describe_sections, fingerprint, key_of
from poseflow.runs.finished import keep_finished, take_finished
from poseflow.runs.provenance import describe_prediction
from poseflow.runs.releases import Release
from poseflow.runs.runtimes import resolve_runtime
from poseflow.tables import PredictionsWriter, check_predictions

if TYPE_CHECKING:
    from poseflow.inference import Pipeline
    from poseflow.inference.profile import Profile


def predict_frames(
    index: VideoIndex,
    release: Release,
    frames: tuple[int, int],
    out: Path,
    settings: PredictConfig,
    video: str,
    finished: Path | None = None,
    copy: Path | None = None,
    profile: "Profile | None" = None,
) -> None:
    """Find the animals in frames [start, stop) of a recording with the models of a release.

    A recording that is quarantined gets a table without rows, which says why.

    Args:
        video: its name.
        finished: folder in which the table gets a second name, and from which a table that an earlier job finished
            unnoticed is taken (see `runs.finished`); None where nobody would delete it.
        copy: of the recording, to be read in its place: on a disk that is nearer.
        profile: takes how long each step takes; a table that is taken as it is leaves it without frames.

    Raises: ModelError, VideoError, TableError for a table that is not on disk as it was written.
    """
    step = describe_sections("predict", predict=settings)
    made_from = fingerprint(step, key_of(index.model_dump(mode="json")), release.id)
    notes = {"video": video, "status": index.status, "reason": index.reason, "made_from": made_from}
    notes |= release.metadata | describe_prediction(index, release.models, release.labels, settings)
    if not index.is_ok:
        lags = settings.flow.window_frames
        with PredictionsWriter(out, release.skeleton, lags, release.identities, metadata=notes) as writer:
            writer.close(frames=[])
    elif finished is None or not take_finished(out, finished, frames, made_from):
        from poseflow.inference import predict_shard

        read = index.model_copy(update={"path": str(copy)}) if copy else index
        pipeline = _load(release.id, tuple(release.folders), resolve_runtime(release, settings))
        predict_shard(read, pipeline, frames, out, settings, notes, profile)
        if profile is not None and profile.times_networks:
            profile.measure_networks(pipeline)
        check_predictions(out, frames)
        if finished is not None:
            keep_finished(out, finished)


@lru_cache(maxsize=1)
def _load(_: str, folders: tuple[Path, ...], settings: PredictConfig) -> "Pipeline":
    """The models of a release, loaded and compiled once for all shards that follow one another in a process."""
    from poseflow.inference import load_pipeline  # imports Keras

    return load_pipeline(folders, settings)
