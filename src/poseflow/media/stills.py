"""Recordings kept as single images, in a folder."""

import os
import re
import stat
from collections.abc import Container, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import ReadError, VideoError
from poseflow.media.finding import natural_order
from poseflow.media.headers import find_fault
from poseflow.media.index import VideoIndex, quarantine
from poseflow.media.pixels import Image
from poseflow.media.reading import FORBIDDEN, read_content, read_error
from poseflow.media.runs import RunLengths
from poseflow.media.video import Frames, Video

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
_SAMPLED_PLACES = 4  # of a folder: its images there are compared with the first
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_DARK = 2**14  # of 16 bits: what cameras of 10 or 12 bits, and cells of 8, do not reach


def list_images(folder: str | Path) -> list[Path]:
    """The image files of a folder, in natural order: frame_9.png comes before frame_10.png.

    Where each name is a number, as that of a time in seconds, they are in the order of these: 7.25.png before 7.5.png.
    """
    images = [file for file in Path(folder).iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.name[0] != "."]
    numbers = {file: Fraction(file.stem) for file in images if _NUMBER.fullmatch(file.stem)}
    if len(set(numbers.values())) == len(images):
        return sorted(images, key=numbers.__getitem__)
    return sorted(images, key=lambda file: natural_order(Path(file.name)))


def read_image(path: str | Path, channels: int | None) -> Image | None:
    """An image file as (height, width, channels) uint8, turned as its EXIF says.

    None if it is gone or damaged, or not to be decoded: a stack of pages, or of more than MOST_PIXELS pixels.

    Args:
        channels: 1 for grey, 3 for RGB, None: as stored. 16-bit images keep their upper 8 bits.

    Raises: ReadError where the system fails to read the file.
    """
    try:
        return decode_image(read_content(path), channels)
    except VideoError:
        return None


def decode_image(content: bytes, channels: int | None) -> Image | None:
    """What an image file holds, as `read_image`."""
    if not content or find_fault(content):
        return None
    image = _decode(content, {1: cv2.IMREAD_GRAYSCALE, 3: cv2.IMREAD_COLOR_RGB, None: cv2.IMREAD_ANYCOLOR}[channels])
    if image is None:
        return None
    return np.asarray(image if image.ndim == 3 else image[..., None])


def _decode(content: bytes, flags: int) -> NDArray[Any] | None:
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        return None


def index_image_folder(path: str | Path) -> VideoIndex:
    """Index a folder of images; it has no timestamps. One without readable images is quarantined.

    Images are not opened but for a few: one that cannot be opened (a dangling link, say) is among the index's
    `corrupt`; one that turns out to be damaged, or of another size, cannot be read.

    Raises: ReadError where the system fails to read the folder or an image.
    """
    images = list_images(path)
    if not images:
        found = ", ".join(sorted(IMAGE_SUFFIXES))
        return quarantine(path, "image_folder", f"folder must hold images ({found}), got none")
    size_bytes, closed = _look_through(images)
    problems = []
    if closed:
        first_closed = closed[min(closed)]
        problems.append(f"{len(closed)} of {len(images)} images cannot be opened, the first of them {first_closed}")
    first, said = _first_image(file for place, file in enumerate(images) if place not in closed)
    if first is None:
        got = [f"{len(images) - len(closed)} damaged", *problems, *said[:1]]
        return quarantine(path, "image_folder", f"folder must hold images that can be read, got {'; '.join(got)}")
    height, width, stored = first.shape
    problems += [*said, *_find_twins(images), *_compare_sizes(images, closed, (height, width))]
    return VideoIndex(
        path=str(path),
        kind="image_folder",
        problems=tuple(problems),
        frames=len(images),
        width=width,
        height=height,
        channels=1 if stored == 1 else 3,
        codec=images[0].suffix.lower().removeprefix("."),
        corrupt=RunLengths.of(sorted(closed)),
        size_bytes=size_bytes,
    )


class ImageFolderVideo(Video):
    """A folder of images. One of another size than the first cannot be read."""

    def __init__(self, index: VideoIndex, threads: int = 0) -> None:
        super().__init__(index)
        try:
            self._images = list_images(index.path)
        except OSError as error:
            raise read_error(error, index.path) from None
        if len(self._images) != index.frames:
            raise VideoError(
                f"{index.path} must hold {index.frames} images as when it was indexed, got {len(self._images)}"
            )

    def _read(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        size = (self.index.height, self.index.width)
        for idx in wanted.tolist():
            image = None
            if self.index.corrupt.find(idx) < 0:
                image = decode_image(read_content(self._images[idx]), channels)
            yield idx, image if image is not None and image.shape[:2] == size else None


def _look_through(images: Sequence[Path]) -> tuple[int, dict[int, str]]:
    """Bytes of all images together, and why some cannot be opened, by their place; raises ReadError."""
    size_bytes, closed = 0, {}
    for place, file in enumerate(images):
        try:
            status = file.stat()
        except (FileNotFoundError, PermissionError) as error:
            closed[place] = f"{file.name}: {error.strerror}"
        except OSError as error:
            raise read_error(error, file) from None
        else:
            size_bytes += status.st_size
            if not stat.S_ISREG(status.st_mode):
                closed[place] = f"{file.name} is no regular file"
            elif not os.access(file, os.R_OK):
                closed[place] = f"{file.name}: Permission denied"
    return size_bytes, closed


def _first_image(images: Iterable[Path]) -> tuple[Image | None, list[str]]:
    """The first image that can be read, and what is to be said of it; if there is none, what else than damage is wrong.

    Raises: ReadError.
    """
    faults = []
    for file in images:
        try:
            content = read_content(file)
        except ReadError as error:
            if error.errno not in FORBIDDEN:
                raise
            faults.append(f"{file.name}: {error.strerror}")
            continue
        if fault := find_fault(content) or _find_other_depth(content):
            faults.append(f"{file.name} {fault}")
        elif (image := decode_image(content, None)) is not None:
            return image, [f"{file.name} {doubt}" for doubt in _tell_darkness(content)]
    return None, faults


def _find_other_depth(content: bytes) -> str | None:
    stored = _decode(content, cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype in (np.uint8, np.uint16):
        return None
    return f"must be of 8 or 16 bits without a sign, got {stored.dtype}"


def _tell_darkness(content: bytes) -> Iterator[str]:
    """What is to be said of an image of 16 bits that leaves the upper ones, which are kept, all but unused."""
    stored = _decode(content, cv2.IMREAD_UNCHANGED)
    if stored is not None and stored.dtype == np.uint16 and (brightest := int(stored.max())) < _DARK:
        yield f"is of 16 bits, of which the upper 8 are kept: dark, as its brightest pixel is {brightest} of 65535"


def _find_twins(images: Sequence[Path]) -> Iterator[str]:
    """What is to be said of images that differ in their suffix only: some may be copies of others."""
    firsts: dict[str, Path] = {}
    twins = [(firsts[file.stem], file) for file in images if firsts.setdefault(file.stem, file) is not file]
    if twins:
        first, second = twins[0]
        yield f"{len(twins)} images are there twice, and each is a frame: {first.name} and {second.name}"


def _compare_sizes(images: Sequence[Path], closed: Container[int], size: tuple[int, int]) -> list[str]:
    """What is to be said of a few images that are of another size than the first."""
    for part in range(1, _SAMPLED_PLACES + 1):
        place = part * (len(images) - 1) // _SAMPLED_PLACES
        image = None if place in closed else read_image(images[place], None)
        if image is not None and image.shape[:2] != size:
            other = f"{images[place].name} has {image.shape[1]} x {image.shape[0]}"
            return [f"images differ in size, and only those of {size[1]} x {size[0]} can be read: {other}"]
    return []
