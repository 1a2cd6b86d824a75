"""A recording's tracks against its labels."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import sleap_io as sio

from poseflow.config import EvaluationConfig, LabelsConfig
from poseflow.core.errors import LabelsError, SkeletonError
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation.tracks import Trajectories, evaluate_tracks
from poseflow.labels import FrameLabels, frame_key, identity_of, read_labels, root_video, split_hidden
from poseflow.media import is_recording
from poseflow.media.stills import list_images
from poseflow.tables import Predictions, Tracks

logger = logging.getLogger(__name__)


def evaluate_recording(
    labels: tuple[Sequence[Path], LabelsConfig],
    recording: Path,
    predictions: Predictions,
    tracks: Tracks,
    config: EvaluationConfig | None = None,
) -> dict[str, Any]:
    """Measure a recording's tracks in its labeled frames; as `evaluate_tracks`.

    Args:
        labels: Label files whose tracks name the animals, of this recording and maybe others, and how they are read.
            Those of other recordings do not count, whatever they are called.
        recording: The recording's path.
        predictions: The whole table; tracks: what was linked of it.

    Raises: LabelsError as `read_labels`, and where a frame has one name twice; SkeletonError where labels and
        predictions have different nodes.
    """
    frames = list_frames(read_labels(*labels), recording, predictions.skeleton)
    if not frames:
        logger.warning("no frame of %s is labeled in %s", recording, ", ".join(map(str, labels[0])))
    for frame in frames:
        twice = [name for name, count in Counter(frame.identities).items() if count > 1 and name is not None]
        if twice:
            file = _find_source(labels, recording, predictions.skeleton, frame)
            raise LabelsError(
                f"{file}: an animal must be named once in a frame, got {twice[0]} twice in frame {frame.frame_idx} of "
                f"{frame.video}"
            )
    unnamed = sum(frame.identities.count(None) for frame in frames)
    if unnamed:
        logger.warning(
            "%s: %d labeled animals have no name (track) and are left out; where they are tracked, they count as false "
            "positives",
            recording,
            unnamed,
        )
    truth = Trajectories.from_labels(frames)
    return evaluate_tracks(truth, Trajectories.from_tracks(predictions, tracks), config)


def list_frames(labels: sio.Labels, recording: Path, skeleton: Skeleton) -> list[FrameLabels]:
    """Labeled frames of one recording in order, its nodes in the skeleton's order."""
    names = labels.skeletons[0].node_names
    if set(names) != set(skeleton.nodes):
        raise SkeletonError(
            f"{recording}: labels must have the nodes {', '.join(skeleton.nodes)}, got {', '.join(names)}"
        )
    order = [names.index(node) for node in skeleton.nodes]
    paths = {id(video): _path_of(video) for video in labels.videos}
    of_recording = {key for key, path in paths.items() if is_recording(path, recording, set(paths.values()) - {path})}
    for path in (path for key, path in paths.items() if key not in of_recording):
        if PureWindowsPath(path).name == recording.name:
            logger.warning("labels of %s are of another recording than %s, and do not count", path, recording)
    positions = {file.name: number for number, file in enumerate(list_images(recording))} if recording.is_dir() else {}
    frames = []
    for frame in labels.labeled_frames:
        if id(frame.video) in of_recording:
            key = frame_key(frame.video, frame.frame_idx)
            points = np.array([split_hidden(instance)[0][order] for instance in frame.instances], np.float32)
            identities = tuple(identity_of(instance) for instance in frame.instances)
            number = positions.get(key.image, key.number)
            frames.append(FrameLabels(key.video, number, points.reshape(-1, len(order), 2), identities))
    return sorted(frames, key=lambda frame: frame.frame_idx)


def _path_of(video: sio.Video) -> str:
    """Where a recording lies, as its labels say; of an image sequence, its folder."""
    files = root_video(video).filename
    return files if isinstance(files, str) else str(PureWindowsPath(files[0]).parent)


def _find_source(
    labels: tuple[Sequence[Path], LabelsConfig], recording: Path, skeleton: Skeleton, wanted: FrameLabels
) -> str:
    """The label file, of several, that says what `wanted` holds."""
    paths, config = labels
    for path in reversed(paths):  # of several that label a frame, the last counts
        frames = list_frames(read_labels([path], config), recording, skeleton)
        if any((one.frame_idx, one.identities) == (wanted.frame_idx, wanted.identities) for one in frames):
            return str(path)
    return ", ".join(map(str, paths))
