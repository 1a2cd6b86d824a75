"""Read label files: of any format, checked, with their videos found, and merged."""

from __future__ import annotations

import glob
import hashlib
import logging
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import sleap_io as sio

from poseflow.config import LabelsConfig
from poseflow.core.errors import LabelsError, NoLabelsError, SkeletonError
from poseflow.labels.clean import chosen_instances, clean_labels, identity_of
from poseflow.labels.formats import read_label_file
from poseflow.labels.formats.deeplabcut import is_hdf5_table
from poseflow.labels.locate import find_frames_of, locate_videos
from poseflow.labels.merge import merge_labels
from poseflow.labels.stray import leave_out_strays
from poseflow.labels.videos import VideoFinder, frame_key
from poseflow.media import VideoIndex
from poseflow.media.stills import list_images

logger = logging.getLogger(__name__)


def find_label_files(config: LabelsConfig) -> list[Path]:
    """The files that `labels.paths` names, in its order, a pattern's files sorted; each file once.

    A DeepLabCut `.h5` beside its `.csv` is left out: both hold the same.

    Raises:
        LabelsError: An entry that is no pattern names no file, or a folder.
    """
    found: dict[Path, None] = {}
    for entry in config.paths:
        if Path(entry).is_dir():
            raise LabelsError(
                f"labels.paths must name files or patterns of them, got the folder {entry} "
                f"(all its SLEAP files: {Path(entry) / '*.slp'})"
            )
        matches = [entry] if Path(entry).is_file() else sorted(glob.glob(entry, recursive=True))
        if not matches and not glob.has_magic(entry):
            raise LabelsError(f"labels.paths must name files that exist, got {entry}")
        found.update(dict.fromkeys(path for path in map(Path, matches) if not path.is_dir()))
    return [path for path in found if not _repeats_table(path, found)]


def _repeats_table(path: Path, others: Collection[Path]) -> bool:
    if path.suffix.lower() != ".h5" or path.with_suffix(".csv") not in others:
        return False
    try:
        return is_hdf5_table(path)
    except LabelsError:  # damaged: whoever reads it says so
        return False


def read_labels(paths: Sequence[str | Path], config: LabelsConfig, with_videos: bool = True) -> sio.Labels:
    """Read and merge label files of any format that there is a reader for (`poseflow.labels.formats`).

    What a file is, its content tells, not its name. One that holds no labels yet is passed over, with a warning.

    Of the labels, what a person made counts (predicted instances only with `config.include_predictions`; hidden nodes
    as `config.keep_hidden` says); tracks are identities. Videos are found where the files say, in
    `config.video_folders`, or beside the label file. In the result there is one skeleton, each frame once, and every
    instance is a user instance with at least one point.

    Args:
        paths: Label files. Where two label the same frame of the same recording, the later counts.
        with_videos: False: recordings are neither looked for nor checked, and known by their names only. Enough to
            know what is labeled, not to read images.

    Raises:
        LabelsError: A file is absent, empty, damaged or of another format, has the same instance twice, or its video
            is missing, unreadable or too short; the message names the file.
        NoLabelsError: None of the files has a labeled frame.
        SkeletonError: Files differ in their nodes, or `config.edges` or `config.symmetries` names others.
    """
    if not paths:
        raise LabelsError(f"labels.paths must name at least one label file, got none for {', '.join(config.paths)}")
    finder = VideoFinder(config.video_folders)
    parts, unlabeled = [], []
    for path in map(Path, paths):
        try:
            found = read_label_file(path, config.keep_hidden)
            cleaned = clean_labels(found, path, config.include_predictions, config.keep_hidden)
            located = leave_out_strays(locate_videos(cleaned, path, finder), path) if with_videos else cleaned
        except NoLabelsError as error:
            unlabeled.append(error)
            continue
        parts.append((path, located))
    if not parts:
        raise unlabeled[0]
    for reason in unlabeled:
        logger.warning("%s; it is passed over", reason)
    merged = merge_labels(parts)
    _join_nodes(merged.skeleton, config)
    return merged


def _join_nodes(skeleton: sio.Skeleton, config: LabelsConfig) -> None:
    """Give a skeleton the edges and symmetries that the settings name, in place of its own."""
    for fault in config.find_unknown_nodes(skeleton.node_names):
        raise SkeletonError(fault)
    if config.edges is not None:
        skeleton.edges = [sio.Edge(skeleton[source], skeleton[target]) for source, target in config.edges]
    if config.symmetries is not None:
        skeleton.symmetries = [sio.Symmetry([skeleton[one], skeleton[other]]) for one, other in config.symmetries]


def locate_labels(labels: sio.Labels, path: Path) -> sio.Labels:
    """Labels that were not read from a label file as if they had been: cleaned, with videos that can be read here.

    Args:
        path: the file that they come from, for messages.

    Raises:
        LabelsError, NoLabelsError, SkeletonError: As `read_labels`.
    """
    cleaned = clean_labels(labels, path, include_predictions=False)
    return leave_out_strays(locate_videos(cleaned, path, VideoFinder(())), path)


def find_labeled_frames(paths: Iterable[str | Path], config: LabelsConfig, index: VideoIndex) -> set[int]:
    """Indices of a recording's frames that are labeled in any of the files; as `find_recording`.

    Other videos are not looked for, so that this is cheap with many of them.
    """
    images = [file.name for file in list_images(index.path)] if index.kind == "image_folder" else []
    place = {name: number for number, name in enumerate(images)}
    found = set()
    for path in map(Path, paths):
        for frame in find_frames_of(read_label_file(path), Path(index.path)):
            key = frame_key(frame.video, frame.frame_idx)
            if frame.is_negative or chosen_instances(frame, config.include_predictions):
                found.add(place.get(key.image, -1) if key.image else key.number)
    return found - {-1}


def labels_digest(paths: Iterable[str | Path]) -> str:
    """SHA-256 of the files' contents in the order given: the same labels, the same digest, wherever they lie."""
    digest = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def check_identities(labels: sio.Labels) -> tuple[str, ...]:
    """Names of the identities, for models that tell animals apart.

    Raises:
        LabelsError: No instance has a track, or a frame has one identity twice.
    """
    names = tuple(track.name for track in labels.tracks)
    if not names:
        raise LabelsError("labels must have tracks named after the animals to train an ID model, got none")
    for frame in labels.labeled_frames:
        seen = [identity_of(instance) for instance in frame.instances if instance.track is not None]
        if len(set(seen)) < len(seen):
            key = frame_key(frame.video, frame.frame_idx)
            raise LabelsError(
                f"an identity must occur once in a frame, got {', '.join(map(str, seen))} "
                f"in frame {key.number} of {key.video}"
            )
    return names
