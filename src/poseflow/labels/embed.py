"""Write label files of SLEAP that carry the images of their frames."""

from __future__ import annotations

import json
import logging
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.files import replacing
from poseflow.core.logs import show_progress
from poseflow.core.prefetch import map_ahead
from poseflow.core.processors import count_processors
from poseflow.labels.images import Image, read_images
from poseflow.labels.videos import frame_key, root_video

logger = logging.getLogger(__name__)

# The smallest files in the least time on camera images, whose noise leaves little to a search for repetitions.
PNG_OPTIONS = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
ATTRIBUTE_BYTES = 60_000  # HDF5 attributes end at 64 KiB
KEEPS_HIDDEN = "poseflow_keeps_hidden"
"""Attribute of files whose hidden nodes are points; of others, as SLEAP's, they are missing."""
MOST_ENCODERS = 8  # threads; one decodes about as fast as so many encode


def write_with_images(labels: sio.Labels, path: str | Path, channels: int, keeps_hidden: bool = False) -> None:
    """Write labels and the images of their labeled and suggested frames into one `.pkg.slp`, atomically.

    sleap-io writes all but the images; these are decoded and stored here, a few at a time, so that memory stays flat
    and the pixels are those that prediction sees. A frame that cannot be decoded is left out, with a warning.

    Args:
        channels: 1: grey images. 3: RGB images, and grey ones beside them in a dataset of our own, `grey`.
        keeps_hidden: say in the file that its hidden nodes are points (`read_package`).
    """
    frames_of: dict[sio.Video, set[int]] = defaultdict(set)
    for frame in [*labels.labeled_frames, *labels.suggestions]:
        frames_of[frame.video].add(frame.frame_idx)
    stand_ins: dict[sio.Video, sio.Video] = {}
    stored: dict[sio.Video, set[int]] = {}
    with replacing(path) as beside, h5py.File(beside, "w") as file:
        with show_progress("embed images", sum(map(len, frames_of.values())), "frames") as advance:
            for place, (video, frame_inds) in enumerate(frames_of.items()):
                group = file.create_group(f"video{place}")
                stored[video] = _embed(group, video, sorted(frame_inds), channels, advance)
                stand_ins[video] = _stand_in(group, video, Path(path).name)
        _write_rest(_with_videos(labels, stand_ins, stored), file)
        if keeps_hidden:
            file.attrs[KEEPS_HIDDEN] = True


def _embed(
    group: h5py.Group, video: sio.Video, frame_inds: list[int], channels: int, advance: Callable[[int], None]
) -> set[int]:
    """Store a video's images and what SLEAP has to know of them; returns the frames that could be decoded."""
    stored, shape = _store_images(group, "video", _advancing(read_images(video, frame_inds, channels), advance))
    if channels == 3:
        _store_images(group, "grey", read_images(video, stored, 1))
    for frame_idx in sorted(set(frame_inds) - set(stored)):
        key = frame_key(video, frame_idx)
        logger.warning("frame %d of %s cannot be decoded and is left out", key.number, key.video)
    source = root_video(video)
    recorded = source.backend_metadata.get("shape")
    dataset = group["video"]
    # SLEAP encodes RGB as if it were BGR and says so; an image viewer would show red and blue exchanged.
    dataset.attrs.update({"format": "png", "channel_order": "BGR"})
    dataset.attrs["frames"] = int(recorded[0]) if recorded else len(stored)
    dataset.attrs["height"], dataset.attrs["width"], dataset.attrs["channels"] = shape
    if source.backend_metadata.get("fps"):
        dataset.attrs["fps"] = float(source.backend_metadata["fps"])
    group.create_dataset("frame_numbers", data=np.array(stored, np.int64))
    _write_source(group.create_group("source_video"), source)
    return set(stored)


def _store_images(
    group: h5py.Group, name: str, images: Iterable[tuple[int, Image | None]]
) -> tuple[list[int], tuple[int, ...]]:
    """Append images as PNG; returns the frames stored and the first image's shape."""
    dataset = group.create_dataset(name, shape=(0,), maxshape=(None,), chunks=(64,), dtype=h5py.vlen_dtype(np.int8))
    stored: list[int] = []
    shape: tuple[int, ...] = (0, 0, 0)
    decoded = ((frame_idx, image) for frame_idx, image in images if image is not None)
    for frame_idx, own_shape, content in map_ahead(_encode, decoded, min(count_processors(), MOST_ENCODERS)):
        shape = shape if stored else own_shape
        dataset.resize((len(stored) + 1,))
        dataset[len(stored)] = content
        stored.append(frame_idx)
    return stored, shape


def _encode(decoded: tuple[int, Image]) -> tuple[int, tuple[int, ...], NDArray[np.int8]]:
    frame_idx, image = decoded
    return frame_idx, image.shape, cv2.imencode(".png", image, PNG_OPTIONS)[1].reshape(-1).view(np.int8)


def _advancing(images: Iterable[Any], advance: Callable[[int], None]) -> Iterator[Any]:
    for item in images:
        yield item
        advance(1)


def _write_source(group: h5py.Group, source: sio.Video) -> None:
    files = source.filename
    first = files if isinstance(files, str) else files[0]
    content = json.dumps({"filename": files, "backend": {"filename": first, **source.backend_metadata}})
    if len(content.encode()) <= ATTRIBUTE_BYTES:
        group.attrs["json"] = content
    else:
        group.create_dataset("json", data=np.bytes_(content.encode()))


def _stand_in(group: h5py.Group, video: sio.Video, name: str) -> sio.Video:
    """The video that stands for a recording in the file `name`."""
    attributes = dict(group["video"].attrs)
    shape = [int(attributes[side]) for side in ("frames", "height", "width", "channels")]
    metadata = {
        "type": "HDF5Video",
        "filename": ".",
        "shape": shape,
        "dataset": f"{group.name.lstrip('/')}/video",
        "input_format": "channels_last",
        "convert_range": False,
        "has_embedded_images": True,
        "grayscale": shape[-1] == 1,
        "fps": attributes.get("fps"),
    }
    return sio.Video(filename=name, open_backend=False, backend_metadata=metadata, source_video=root_video(video))


def _with_videos(
    labels: sio.Labels, stand_ins: dict[sio.Video, sio.Video], stored: dict[sio.Video, set[int]]
) -> sio.Labels:
    """The same labels on the videos that stand for the recordings, as far as their images are stored."""
    frames = [
        sio.LabeledFrame(
            video=stand_ins[frame.video],
            frame_idx=frame.frame_idx,
            instances=frame.instances,
            is_negative=frame.is_negative,
        )
        for frame in labels.labeled_frames
        if frame.frame_idx in stored[frame.video]
    ]
    suggestions = [
        sio.SuggestionFrame(video=stand_ins[frame.video], frame_idx=frame.frame_idx)
        for frame in labels.suggestions
        if frame.frame_idx in stored[frame.video]
    ]
    return sio.Labels(
        labeled_frames=frames,
        suggestions=suggestions,
        videos=list(stand_ins.values()),
        skeletons=list(labels.skeletons),
        tracks=list(labels.tracks),
    )


def _write_rest(labels: sio.Labels, file: h5py.File) -> None:
    """Add all but the images: sleap-io writes it to a file of its own, from which it is copied."""
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder, "labels.slp")
        sio.save_slp(labels, str(beside), embed=False, restore_original_videos=False, verbose=False)
        with h5py.File(beside) as source:
            for member in source:
                source.copy(member, file)
