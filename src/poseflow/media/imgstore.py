"""Recordings of loopbio's Motif: a folder with metadata.yaml and chunks, each a video or a folder of images.

Format: imgstore, version 2 (https://github.com/loopbio/imgstore). Chunk 000000 is `000000.mp4` (or .avi, .mkv) with
`000000.npz` (or .yaml) beside it, or the folder `000000/` of `000000.png`, ... and `index.npz`; the index lists each
frame's number and its time in seconds since 1970.
"""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
import yaml
from numpy.typing import NDArray

from poseflow.core.errors import VideoError
from poseflow.media.channels import convert_channels
from poseflow.media.container import ContainerVideo
from poseflow.media.headers import MOST_PIXELS
from poseflow.media.index import VideoIndex, measure_rate, quarantine
from poseflow.media.pixels import Image
from poseflow.media.reading import RecordingFile, find_closed, read_content, read_error
from poseflow.media.runs import RunLengths
from poseflow.media.scan import index_container
from poseflow.media.stills import read_image
from poseflow.media.video import Frames, Video

METADATA = "metadata.yaml"
_KEY = "__store"
_INDEX_SUFFIXES = (".npz", ".yaml")
_MICROSECONDS = (1, 1_000_000)
_MOST_BYTES = 2**25  # of the times of one chunk: four million frames
_MOST_YAML_BYTES = 2**22  # which take some seconds to read
_MOST_BRACKETS = 1000  # of YAML; time grows with the square of how deep they lie
_SHOWN = 80  # characters of what somebody wrote
_LATEST_TIME_S = 1e11  # the year 5138
_EARLIEST_TIME_S = 946_684_800  # the year 2000; an earlier "time" is none of the clock's


class _Chunk(NamedTuple):
    path: Path
    """The video, or the folder of images."""
    times_s: NDArray[np.float64]
    """(frames,)"""


def is_imgstore(folder: Path) -> bool:
    """Whether a folder says that it is an imgstore."""
    if not (folder / METADATA).is_file():
        return False
    try:
        content = _read_small(folder / METADATA)
    except VideoError:
        return False
    return any(line.startswith(f"{_KEY}:".encode()) for line in content.splitlines())


def count_imgstore_frames(path: str | Path) -> int:
    """Number of frames that the chunks' indices list; 0 for an unreadable store. Raises: ReadError, OSError."""
    try:
        return sum(len(chunk.times_s) for chunk in _read_chunks(Path(path))[1])
    except VideoError:
        return 0


def index_imgstore(path: str | Path) -> VideoIndex:
    """Index an imgstore; one that cannot be read is quarantined, a chunk that cannot is a problem.

    Raises: ReadError or OSError where the system fails to read.
    """
    try:
        store, chunks, problems = _read_chunks(Path(path))
    except VideoError as error:
        return quarantine(path, "imgstore", str(error))
    if not chunks:
        got = "; ".join(["none", *problems[:1]])
        return quarantine(path, "imgstore", f"store must hold chunks with an index, got {got}")
    height, width, *_ = store["imgshape"]
    like: dict[str, Any] = {"width": width, "height": height, "channels": 3 if len(store["imgshape"]) == 3 else 1}
    sound = None
    problems += [] if chunks[0].path.is_file() else _count_images(chunks, store["format"])
    for chunk in chunks if chunks[0].path.is_file() else ():
        closed = find_closed(chunk.path)
        index = quarantine(chunk.path, "video", closed) if closed else index_container(chunk.path)
        if not index.is_ok:
            problems.append(f"chunk {chunk.path.name}: {index.reason}")
        elif index.frames != len(chunk.times_s):
            problems.append(f"chunk {chunk.path.name} must hold {len(chunk.times_s)} frames, got {index.frames}")
        if index.is_ok and sound is None:
            sound = index
            like |= index.model_dump(include={"width", "height", "codec", "pix_fmt", "color_range", "rotation"})
    if sound is None and chunks[0].path.is_file():
        return quarantine(path, "imgstore", "store must hold a chunk that can be read, got none")
    times_s = np.concatenate([chunk.times_s for chunk in chunks])
    if backwards := int(np.sum(np.diff(times_s) < 0)):
        problems.append(f"its clock runs backwards {backwards} times")
    ticks = np.round(times_s * _MICROSECONDS[1]).astype(np.int64)
    fps, variable = measure_rate(ticks, _MICROSECONDS)
    has_clock = times_s[0] > _EARLIEST_TIME_S
    return VideoIndex(
        path=str(path),
        kind="imgstore",
        problems=tuple(problems),
        frames=len(ticks),
        fps=fps,
        variable_fps=variable,
        time_base=_MICROSECONDS,
        timestamps=RunLengths.of(ticks),
        recorded_at=datetime.fromtimestamp(times_s[0], UTC) if has_clock else None,
        size_bytes=sum(_size_of(chunk.path) for chunk in chunks),
        **like,
    )


def _count_images(chunks: Sequence[_Chunk], suffix: str) -> list[str]:
    """What is to be said of folders of images that hold more or fewer than their indices list."""
    found = []
    for chunk in chunks:
        images = sum(file.suffix == f".{suffix}" for file in chunk.path.iterdir())
        if images != len(chunk.times_s):
            found.append(f"chunk {chunk.path.name} must hold {len(chunk.times_s)} frames, got {images}")
    return found


class ImgstoreVideo(Video):
    """An imgstore; one chunk is open at a time. What a chunk's index lists but its video lacks cannot be read."""

    def __init__(self, index: VideoIndex, threads: int = 0) -> None:
        super().__init__(index)
        self._threads = threads
        try:
            store, self._chunks, _ = _read_chunks(Path(index.path))
        except OSError as error:
            raise read_error(error, error.filename or index.path) from None
        self._suffix = f".{store['format']}"
        self._ends = np.cumsum([len(chunk.times_s) for chunk in self._chunks])
        if not len(self._ends) or self._ends[-1] != index.frames:
            raise VideoError(f"{index.path} must hold {index.frames} frames as when it was indexed")

    def _read(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        done = 0
        while done < len(wanted):
            number = int(np.searchsorted(self._ends, wanted[done], side="right"))
            here = wanted[done : np.searchsorted(wanted, self._ends[number])]
            begin = int(self._ends[number]) - len(self._chunks[number].times_s)
            done += len(here)
            with closing(self._read_chunk(self._chunks[number].path, here - begin, channels)) as images:
                for place, image in images:
                    fits = image is not None and image.shape[:2] == (self.index.height, self.index.width)
                    yield begin + place, image if fits else None

    def _read_chunk(self, path: Path, places: NDArray[np.int64], channels: int) -> Frames:
        if path.is_dir():
            for place in places.tolist():
                yield place, _read_still(path / f"{place:06d}{self._suffix}", channels)
            return
        index = index_container(path)
        if index.is_ok:
            with ContainerVideo(index, self._threads) as video:
                yield from video.read_frames(places[places < index.frames], channels)
        for place in places[places >= index.frames].tolist():
            yield place, None


def _read_chunks(folder: Path) -> tuple[dict[str, Any], list[_Chunk], list[str]]:
    """The store's own metadata, its chunks in order, and what is wrong with others; raises VideoError, OSError."""
    try:
        store = _read_yaml(folder / METADATA)[_KEY]
        store = {"encoding": None, **store, "imgshape": [int(side) for side in store["imgshape"]]}
        suffix = store.get("extension", ".avi" if store["format"] == "mjpeg" else ".mp4")
        is_folders = store["class"] == "DirectoryImgStore"
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise VideoError(f"{METADATA} must describe an imgstore, got: {_shorten(repr(error))}") from None
    if store["encoding"] or store.get("imgdtype") != "uint8" or len(store["imgshape"]) not in (2, 3):
        got = f"{_shorten(store.get('imgdtype'))} {store['imgshape'][:4]}, encoding {_shorten(store['encoding'])}"
        raise VideoError(f"store must hold grey or color images, uint8, not Bayer-encoded, got {got}")
    if min(store["imgshape"]) < 1 or store["imgshape"][0] * store["imgshape"][1] > MOST_PIXELS:
        raise VideoError(f"store must hold images of 1 to {MOST_PIXELS} pixels, got {_shorten(store['imgshape'])}")
    if is_folders and not (isinstance(store["format"], str) and store["format"].isalnum()):
        raise VideoError(f"format of a store of images must be a suffix, got {_shorten(store['format'])}")
    numbered = [entry for entry in folder.iterdir() if entry.stem.isdecimal()]
    parts = [entry for entry in numbered if (entry.is_dir() if is_folders else entry.suffix == suffix)]
    chunks, problems = [], list(_find_gone(parts, [entry for entry in numbered if entry.suffix in _INDEX_SUFFIXES]))
    for path in sorted(parts, key=lambda entry: entry.name.zfill(20)):
        times_s = _read_times(path / "index" if is_folders else path.with_suffix(""))
        if times_s is None:
            problems.append(f"chunk {path.name} has no index that can be read, and is left out")
        elif len(times_s):
            chunks.append(_Chunk(path, times_s))
    return store, chunks, problems


def _find_gone(parts: Sequence[Path], indices: Sequence[Path]) -> Iterator[str]:
    """What is to be said of chunks that are not there, as their indices or the numbers of others tell."""
    present, known = ({int(path.stem) for path in paths} for paths in (parts, [*parts, *indices]))
    begins = [number + 1 for number, following in pairwise(sorted(known)) if following - number > 1]
    gone = len(known - present) + sum(b - a - 1 for a, b in pairwise(sorted(known)))
    if gone and present:
        yield f"{gone} chunks are not there, the first of them {min([*begins, *(known - present)]):06d}"


def _read_times(stem: Path) -> NDArray[np.float64] | None:
    """Times of a chunk's frames, in seconds, from `stem`.npz or .yaml; None where neither can be read.

    Raises: ReadError where the system fails to read.
    """
    try:
        if stem.with_suffix(".npz").exists():
            listed: Any = _read_npz(read_content(stem.with_suffix(".npz")), "frame_time")
        else:
            listed = _read_yaml(stem.with_suffix(".yaml"))["frame_time"]
            if not isinstance(listed, list) or any(isinstance(time, (list, dict, set)) for time in listed):
                return None  # lists in lists may hold each other a billion times
        times_s = np.asarray(listed, np.float64).reshape(-1)
    except (VideoError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error, NotImplementedError):
        return None
    return times_s if np.all(np.abs(times_s) < _LATEST_TIME_S) else None


def _read_npz(content: bytes, name: str) -> NDArray[Any]:
    """One array of an .npz file, if it is no larger than it should be."""
    with ZipFile(BytesIO(content)) as packed:
        member = packed.getinfo(f"{name}.npy")
        if member.file_size > _MOST_BYTES:
            raise ValueError(f"{name} must have at most {_MOST_BYTES} bytes, got {member.file_size}")
        with packed.open(member) as file:
            return _read_npy(file.read(_MOST_BYTES))


def _read_npy(content: bytes) -> NDArray[Any]:
    """An array, whose header promises what follows it: nothing is made room for that is not there."""
    file = BytesIO(content)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject or prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError(f"array must be of numbers, and whole, got {dtype} {shape}")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape, order="F" if is_fortran else "C")


class _PlainLoader(yaml.SafeLoader):
    """Reads YAML without `<<`, by which a few lines merge into an endless mapping."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("mappings that are merged are not read")


def _read_yaml(path: Path) -> Any:
    content = _read_small(path)
    if content.count(b"[") + content.count(b"{") > _MOST_BRACKETS:
        raise VideoError(f"{path.name} must have at most {_MOST_BRACKETS} brackets")
    try:
        return yaml.load(content, Loader=_PlainLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise VideoError(f"{path.name} must be YAML, got: {_shorten(error)}") from None


def _read_small(path: Path) -> bytes:
    with RecordingFile(path) as file:
        content = file.read(_MOST_YAML_BYTES)
        if len(content) == _MOST_YAML_BYTES:
            raise VideoError(f"{path.name} must be of less than {_MOST_YAML_BYTES} bytes")
        return content


def _shorten(value: Any) -> str:
    """A value that somebody wrote, for a message; lists may hold themselves a million times, and are not shown."""
    return "a collection" if isinstance(value, (list, dict, set)) else " ".join(str(value).split())[:_SHOWN]


def _read_still(path: Path, channels: int) -> Image | None:
    if path.suffix != ".npy":
        return read_image(path, channels)
    try:
        image = _read_npy(read_content(path))
    except (VideoError, ValueError, EOFError):
        return None
    is_image = image.dtype == np.uint8 and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3)))
    return convert_channels(image, channels) if is_image else None


def _size_of(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
