"""From the videos that a label file names to recordings that lie on disk and have the labeled frames."""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path, PureWindowsPath

import numpy as np
import sleap_io as sio

from poseflow.errors import LabelsError
from poseflow.labels.images import embedded_frames, read_images
from poseflow.labels.videos import VideoFinder, index_of, is_embedded, root_video
from poseflow.media import VideoIndex
from poseflow.media.stills import list_images

logger = logging.getLogger(__name__)

# Mean difference of two grey pictures (0 to 255) that are the same but for the way colours were converted.
SAME_PICTURE = 2.0


def locate_videos(labels: sio.Labels, path: Path, finder: VideoFinder) -> sio.Labels:
    """Replace each video by one that can be read here, and check that it has the labeled frames.

    A recording is looked for as `VideoFinder` says. Images embedded in a package count where the recording is absent
    or shows another picture; else the recording itself does, so that training sees the pixels that prediction sees.
    An image sequence becomes all images of its folder.

    Raises:
        LabelsError: A video is nowhere or unreadable, or shorter than its labels.
    """
    frames_of: dict[sio.Video, list[sio.LabeledFrame]] = defaultdict(list)
    for frame in labels.labeled_frames:
        frames_of[frame.video].append(frame)
    missing = []
    for video, frames in frames_of.items():
        if isinstance(video.filename, list):
            missing += _locate_images(video, frames, path, finder)
        elif is_embedded(video):
            _locate_source(video, frames, path, finder)
        elif found := finder.find(video.filename, path):
            use_recording(video, found)
            _check_length(video, frames, path)
        else:
            missing.append(video.filename)
    if missing:
        raise LabelsError(
            f"{path}: each labeled video must be where the file says, in labels.video_folders or beside the file; "
            f"not found: {', '.join(missing)}"
        )
    kept = [frame for frames in frames_of.values() for frame in frames]
    return sio.Labels(
        labeled_frames=kept,
        videos=list(dict.fromkeys(frame.video for frame in kept)),
        skeletons=labels.skeletons,
        tracks=labels.tracks,
    )


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


def _check_length(video: sio.Video, frames: list[sio.LabeledFrame], path: Path) -> None:
    count, last = index_of(video).frames, max(frame.frame_idx for frame in frames)
    if last >= count:
        raise LabelsError(f"{path}: labels of {video.filename} must be on frames 0 to {count - 1}, got frame {last}")


def _locate_source(video: sio.Video, frames: list[sio.LabeledFrame], path: Path, finder: VideoFinder) -> None:
    embedded, wanted = embedded_frames(video), {frame.frame_idx for frame in frames}
    source = root_video(video)
    found = finder.find(source.filename, path) if isinstance(source.filename, str) and source is not video else None
    absent = sorted(wanted - embedded)
    if absent and not found:
        raise LabelsError(
            f"{path}: each labeled frame must be embedded or its video found, got neither for frame {absent[0]} of "
            f"{source.filename}" + (f" and {len(absent) - 1} others" if len(absent) > 1 else "")
        )
    if found and (absent or _shows_same(video, found, min(wanted))):
        use_recording(video, found)
        _check_length(video, frames, path)


def _shows_same(video: sio.Video, found: Path, frame_idx: int) -> bool:
    recording = sio.Video(filename=str(found), open_backend=False, backend_metadata=dict(video.backend_metadata))
    use_recording(recording, found)
    here, there = (next(read_images(candidate, [frame_idx], channels=1))[1] for candidate in (video, recording))
    if here is not None and there is not None and here.shape == there.shape:
        difference = np.abs(here.astype(np.float32) - there).mean()
        if difference <= SAME_PICTURE:
            return True
    logger.warning("%s shows another picture than %s of it; the images in there are used", found, video.filename)
    return False


def _locate_images(video: sio.Video, frames: list[sio.LabeledFrame], path: Path, finder: VideoFinder) -> list[str]:
    """Point each frame to its image among all of its folder; returns the folders that are missing."""
    folders: dict[str, Path | None] = {}
    videos: dict[Path, sio.Video] = {}
    missing = []
    for frame in frames:
        recorded = PureWindowsPath(video.filename[frame.frame_idx])
        name = str(recorded.parent)
        if name not in folders:
            folders[name] = finder.find(recorded.parent.as_posix(), path)
        folder = folders[name]
        if folder is None or not (folder / recorded.name).is_file():
            missing.append(recorded.as_posix())
            continue
        if folder not in videos:
            videos[folder] = _image_folder(folder)
        frame.video = videos[folder]
        frame.frame_idx = frame.video.filename.index(str(folder / recorded.name))
    return missing[:3]


def _image_folder(folder: Path) -> sio.Video:
    files = [str(file) for file in list_images(folder)]
    metadata = {"type": "ImageVideo", "filename": files[0], "filenames": files}
    return sio.Video(filename=files, open_backend=False, backend_metadata=metadata)
