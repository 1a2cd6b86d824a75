"""From the videos that a label file names to recordings that lie on disk and have the labeled frames."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PureWindowsPath

import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.core.wording import list_some
from poseflow.labels.images import embedded_frames, find_differing
from poseflow.labels.sources import nameless, source_in_package
from poseflow.labels.videos import VideoFinder, index_of, is_embedded, root_video, video_name
from poseflow.media import VideoIndex, is_recording
from poseflow.media.lookup import Fits, is_there
from poseflow.media.stills import list_images, read_image

logger = logging.getLogger(__name__)

# Frames by which a recording's number of frames may differ from what SLEAP wrote down, which headers say: a share.
FRAMES_OFF = 0.01


def locate_videos(labels: sio.Labels, path: Path, finder: VideoFinder) -> sio.Labels:
    """Replace each video by one that can be read here, and check that it has the labeled frames.

    A recording is looked for as `VideoFinder` says. Images embedded in a package count where the recording is absent
    or shows another picture in any labeled frame; else the recording itself does, so that training sees the pixels
    that prediction sees. An image sequence becomes all images of its folder; labels of images that are not there are
    left out, with a warning.

    Raises:
        LabelsError: A video is nowhere or unreadable, or does not have the labeled frames; all images are missing.
        AmbiguousVideoError: Several recordings fit a video equally.
    """
    frames_of: dict[sio.Video, list[sio.LabeledFrame]] = defaultdict(list)
    for frame in labels.labeled_frames:
        frames_of[frame.video].append(frame)
    others = recorded_paths(frames_of)
    missing: list[str] = []
    kept: list[sio.LabeledFrame] = []
    for video, frames in frames_of.items():
        if isinstance(video.filename, list):
            kept += _locate_images(video, frames, path, finder, others)
            continue
        if is_embedded(video):
            found, lost = _locate_source(video, frames, path, finder, others)
            kept += found
            missing += lost
        elif place := finder.find(video.filename, path, others, _fits_shape(video)):
            recorded = _recorded_size(video)
            use_recording(video, place)
            index = index_of(video)
            _check_size(recorded, (index.height, index.width), place, path)
            _check_frames(video, frames, path)
            kept += frames
        else:
            missing.append(video.filename)
    if missing:
        raise LabelsError(
            f"{path}: each labeled video must be where the file says, in labels.video_folders or beside the file; "
            f"not found: {', '.join(missing)}"
        )
    if not kept:
        raise LabelsError(f"{path} must have labels on images that are there, got none of {len(labels.labeled_frames)}")
    return sio.Labels(
        labeled_frames=kept,
        videos=list(dict.fromkeys(frame.video for frame in kept)),
        skeletons=labels.skeletons,
        tracks=labels.tracks,
    )


def find_frames_of(labels: sio.Labels, recording: Path) -> list[sio.LabeledFrame]:
    """Labeled frames of the recording at a path, whether its videos were located or not; as `find_recording`.

    Of a package whose recording is nowhere, the embedded pictures say whether it is this one.
    """
    frames_of: dict[sio.Video, list[sio.LabeledFrame]] = defaultdict(list)
    for frame in labels.labeled_frames:
        frames_of[frame.video].append(frame)
    others = recorded_paths(frames_of)
    found = []
    for video, frames in frames_of.items():
        fits = _fits_shape(video)
        if is_embedded(video) and is_there(str(video.filename)):
            fits = _compare_pictures(video, {frame.frame_idx for frame in frames} & embedded_frames(video))
        if any(is_recording(path, recording, others, fits) for path in recorded_paths([video])):
            found += frames
    return found


def use_recording(video: sio.Video, path: Path) -> None:
    """Make `video` the recording at `path`, described as SLEAP does."""
    dataset = video.backend_metadata.get("dataset") if path.suffix.lower() in {".h5", ".hdf5"} else None
    video.backend_metadata = {"filename": str(path), "dataset": dataset or ""}
    video.filename = str(path)
    video.source_video = None
    video.backend_metadata = describe(index_of(video))


def describe(index: VideoIndex) -> dict[str, object]:
    """A recording as label files of SLEAP describe it."""
    if index.kind == "image_folder":
        files = [str(file) for file in list_images(index.path)]
        return {"type": "ImageVideo", "filename": files[0], "filenames": files, "shape": _shape(index)}
    return {
        "type": "HDF5Video" if index.kind == "hdf5" else "MediaVideo",
        "filename": str(index.path),
        "shape": _shape(index),
        "grayscale": True if index.channels == 1 else None,
        "bgr": True,
        "dataset": index.h5_dataset or "",
        "input_format": "channels_last" if index.kind == "hdf5" else "",
        "fps": index.fps,
    }


def _shape(index: VideoIndex) -> list[int]:
    return [index.frames, index.height, index.width, index.channels]


def recorded_paths(videos: Iterable[sio.Video]) -> list[str]:
    """Paths of all recordings and image folders that a label file names."""
    paths: dict[str, None] = {}
    for video in videos:
        files = root_video(video).filename
        names = [files] if isinstance(files, str) else {PureWindowsPath(file).parent.as_posix() for file in files}
        paths.update(dict.fromkeys(names))
    return list(paths)


def _fits_shape(video: sio.Video) -> Fits:
    """Excludes recordings of another picture size or number of frames than the label file says, where it says any."""
    recorded = root_video(video).backend_metadata.get("shape")

    def fits(path: Path) -> bool | None:
        if not recorded or len(recorded) < 3:
            return None
        index = index_of(_at(path, video))
        is_as_long = abs(index.frames - recorded[0]) <= max(2, FRAMES_OFF * index.frames)
        return None if is_as_long and [index.height, index.width] == list(recorded[1:3]) else False

    return fits


def _recorded_size(video: sio.Video) -> tuple[int, int] | None:
    """(height, width) of a video's pictures, as far as the label file says it."""
    shape = root_video(video).backend_metadata.get("shape")
    return (int(shape[1]), int(shape[2])) if shape and len(shape) > 2 and shape[1] and shape[2] else None


def _check_size(recorded: tuple[int, int] | None, size: tuple[int, int], place: Path, path: Path) -> None:
    """Raise LabelsError where labels were made on pictures of another size: their points would be elsewhere."""
    if recorded and recorded != size:
        made, found = (f"{width} x {height}" for height, width in (recorded, size))
        raise LabelsError(f"{path}: {place} must have the size that its labels were made on, {made}, got {found}")


def _at(path: Path, video: sio.Video) -> sio.Video:
    """Another video, the recording at `path`, read as `video` is."""
    recording = sio.Video(filename=str(path), open_backend=False, backend_metadata=dict(video.backend_metadata))
    use_recording(recording, path)
    return recording


def _check_frames(video: sio.Video, frames: list[sio.LabeledFrame], path: Path) -> None:
    count, numbers = index_of(video).frames, [frame.frame_idx for frame in frames]
    wrong = next((number for number in (min(numbers), max(numbers)) if not 0 <= number < count), None)
    if wrong is not None:
        raise LabelsError(f"{path}: labels of {video.filename} must be on frames 0 to {count - 1}, got frame {wrong}")


def _locate_source(
    video: sio.Video, frames: list[sio.LabeledFrame], path: Path, finder: VideoFinder, others: Sequence[str]
) -> tuple[list[sio.LabeledFrame], list[str]]:
    """Choose between embedded images and the recording that they were taken from; frames kept, and what is missing."""
    embedded = embedded_frames(video) if _locate_package(video, path, finder) else set()
    wanted = {frame.frame_idx for frame in frames}
    absent = sorted(wanted - embedded)
    source = root_video(video)
    found, shows = None, _compare_pictures(video, wanted & embedded)
    if isinstance(source.filename, str) and not is_embedded(source):
        found = finder.find(source.filename, path, others, shows)
    if not found and absent:
        if not embedded:
            return [], [f"{video.filename}, which holds the images" + _source_text(source)]
        raise LabelsError(
            f"{path}: each labeled frame must be embedded or its video found, got neither for frame {absent[0]} of "
            f"{video_name(video)}" + (f" and {len(absent) - 1} others" if len(absent) > 1 else "")
        )
    if found and (not embedded & wanted or shows(found)):
        use_recording(video, found)
        _check_frames(video, frames, path)
        return frames, []
    if absent:
        logger.warning(
            "%s: labels on %d frames of %s are left out: their images are not embedded, and %s shows other pictures",
            path, len(absent), video_name(video), found,
        )  # fmt: skip
    return [frame for frame in frames if frame.frame_idx in embedded], []


def _source_text(source: sio.Video) -> str:
    return f" (nor {source.filename})" if isinstance(source.filename, str) and not is_embedded(source) else ""


def _compare_pictures(video: sio.Video, frame_inds: set[int]) -> Callable[[Path], bool | None]:
    """Tells whether a recording shows the embedded pictures of these frames; each recording is read once."""
    known: dict[Path, bool | None] = {}

    def shows(path: Path) -> bool | None:
        path = path.resolve()
        if path not in known:
            known[path] = _shows_same(video, path, frame_inds) if frame_inds else _fits_shape(video)(path)
        return known[path]

    return shows


def _shows_same(video: sio.Video, path: Path, frame_inds: set[int]) -> bool | None:
    recording = _at(path, video)
    count = index_of(recording).frames
    if max(frame_inds) >= count:
        logger.warning(
            "%s has only %d frames, not those of %s; the images in there are used", path, count, video.filename
        )
        return False
    differing = find_differing(video, recording, frame_inds)
    if not differing:
        return None if differing is None else True
    logger.warning(
        "%s shows another picture than %s in %d of %d labeled frames, first in %d; the images in there are used",
        path, video.filename, len(differing), len(frame_inds), differing[0],
    )  # fmt: skip
    return False


def _locate_package(video: sio.Video, path: Path, finder: VideoFinder) -> bool:
    """Find the package that holds a video's images, this file or another; False if it is nowhere."""
    dataset = str(video.backend_metadata.get("dataset"))
    if Path(video.filename).resolve() != path.resolve():
        found = finder.find(video.filename, path, fits=lambda package: _holds_images(package, dataset, video))
        if found is None:
            return False
        video.filename = str(found)
    source = source_in_package(Path(video.filename), dataset)
    if is_embedded(root_video(video)):
        video.source_video = source or nameless(video)
    return True


def _holds_images(package: Path, dataset: str, video: sio.Video) -> bool | None:
    """Whether a package of the name is the one: the source that its images have must be that of the label file."""
    try:
        source = source_in_package(package, dataset)
    except LabelsError:
        return False
    recorded = root_video(video)
    if source is None or is_embedded(recorded):
        return None
    if source.filename == recorded.filename:
        return True
    logger.warning("%s holds images of %s, not of %s", package, video_name(source), recorded.filename)
    return False


def _locate_images(
    video: sio.Video, frames: list[sio.LabeledFrame], path: Path, finder: VideoFinder, others: Sequence[str]
) -> list[sio.LabeledFrame]:
    """Point each frame to its image among all of its folder; those whose image is there.

    Images that were all in one folder may lie in one of another name, right where a person said.
    """
    folders = _find_folders(video, path, finder, others)
    sizes, checked = video.backend_metadata.get("sizes", {}), set()
    videos: dict[Path, tuple[sio.Video, dict[str, int]]] = {}
    kept, missing = [], []
    for frame in frames:
        recorded = PureWindowsPath(video.filename[frame.frame_idx])
        name = recorded.parent.as_posix()
        folder = folders[name]
        if folder is not None and folder not in videos:
            videos[folder] = _image_folder(folder)
        place = None if folder is None else videos[folder][1].get(recorded.name)
        if folder is None or place is None:
            missing.append(recorded.as_posix())
            continue
        recorded_size = sizes.get(frame.frame_idx) or _recorded_size(video)
        if recorded_size and (folder, recorded_size) not in checked:  # one of each folder and size: it is decoded
            checked.add((folder, recorded_size))
            if (image := read_image(folder / recorded.name, None)) is not None:
                _check_size(recorded_size, (image.shape[0], image.shape[1]), folder / recorded.name, path)
        frame.video, frame.frame_idx = videos[folder][0], place
        kept.append(frame)
    if missing:
        logger.warning(
            "%s: labels on %d images that are not there are left out: %s",
            path, len(missing), list_some(sorted(missing), 3),
        )  # fmt: skip
    return kept


def _find_folders(video: sio.Video, path: Path, finder: VideoFinder, others: Sequence[str]) -> dict[str, Path | None]:
    """Where each folder lies that the images were recorded in, if it is there and holds any of them."""
    names: dict[str, set[str]] = defaultdict(set)
    for file in video.filename:
        image = PureWindowsPath(file)
        names[image.parent.as_posix()].add(image.name)
    found = {}
    for folder, held in names.items():

        def fits(place: Path, held: set[str] = held) -> bool | None:
            return None if any(is_there(place / name) for name in held) else False

        found[folder] = finder.find(folder, path, others, fits)
        if found[folder] is None and len(others) == 1:
            found[folder] = finder.find_holder(held, path)
    return found


def _image_folder(folder: Path) -> tuple[sio.Video, dict[str, int]]:
    """All images of a folder, and the place of each."""
    files = list_images(folder) if folder.is_dir() else []
    names = [str(file) for file in files]
    metadata = {"type": "ImageVideo", "filename": names[0] if names else str(folder), "filenames": names}
    video = sio.Video(filename=names, open_backend=False, backend_metadata=metadata)
    return video, {file.name: number for number, file in enumerate(files)}
