"""The step `import_predictions`: what another program found in a recording, as a predictions table."""

from collections.abc import Iterable
from pathlib import Path

from poseflow.config import FlowConfig, PredictConfig
from poseflow.core.errors import PredictionsError
from poseflow.exchange.predictions import (
    PredictionsFile,
    describe_predictions_file,
    iter_foreign_instances,
    renumber_images,
)
from poseflow.media import VideoIndex
from poseflow.runs.fingerprints import describe_sections, fingerprint, key_of
from poseflow.runs.provenance import describe_import
from poseflow.tables import Instances, PredictionsWriter, check_predictions


def import_predictions(
    file: Path,
    number: int,
    index: VideoIndex,
    frames: tuple[int, int],
    out: Path,
    settings: PredictConfig,
    video: str,
    digest: str,
) -> None:
    """Write what a file says of frames [start, stop) of a video as a predictions table.

    Points come as they are. What the file does not have is absent; flow moves the points where the video is there.

    Args:
        number: of the video in the file.
        index: of the video; or what the file says of it (`index_predictions`), where it is not there.
        video: its name. digest: SHA-256 of the file.

    Raises: PredictionsError for a file that is damaged, or of another video: of more frames.
    """
    described = describe_predictions_file(file)
    flow = settings.flow if index.kind != "predictions" and settings.flow.window_frames else None
    step = describe_sections("import_predictions", predict=settings)
    made_from = fingerprint(step, key_of(index.model_dump(mode="json")), digest, number)
    notes = {"video": video, "status": index.status, "reason": index.reason, "made_from": made_from}
    notes |= describe_import(file, digest, described, settings, left_out=_list_absent(described, flow is not None))
    told = next(one for one in described.videos if one.number == number)
    of_images = bool(told.images) and index.kind == "image_folder"
    if index.is_ok and told.frames > index.frames and not of_images:
        raise PredictionsError(
            f"{file}: predictions must be of the {index.frames} frames of {index.path}, "
            f"got some of frame {told.frames - 1}"
        )
    failed: set[int] = set()
    lags = flow.window_frames if flow else 0
    with PredictionsWriter(out, described.skeleton, lags, described.class_names, metadata=notes) as writer:
        if index.is_ok:
            found = iter_foreign_instances(file, number, (0, told.frames) if of_images else frames)
            if of_images:
                found = renumber_images(found, told, Path(index.path), frames, file)
            for piece in _shift(found, index, flow, failed) if flow else found:
                writer.append(piece)
        read = [frames] if index.is_ok and frames[1] > frames[0] else []
        writer.close(read, sorted(failed))
    if index.is_ok:
        check_predictions(out, frames)


def _shift(found: Iterable[Instances], index: VideoIndex, flow: FlowConfig, failed: set[int]) -> Iterable[Instances]:
    from poseflow.inference.shifting import shift_instances  # OpenCV

    return shift_instances(found, index, flow, failed)


def _list_absent(file: PredictionsFile, is_shifted: bool) -> list[str]:
    """What the table lacks, a few words each."""
    absent = [] if file.class_names else ["class scores"]
    absent += [] if is_shifted else ["points shifted by flow"]
    return [*file.left_out, *absent]
