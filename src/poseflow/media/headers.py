"""What image files say of themselves before they are decoded: a header of few bytes may promise an endless image."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from math import prod

MOST_PIXELS = 2**27
"""Pixels (134 million) that an image may have, of any kind of recording; more is taken for a decompression bomb."""
Read = Callable[[int, int], bytes]
"""Gives bytes of a file: (place, number) -> at most so many."""
_MOST_PAGES, _MOST_TAGS = 2**20, 2**12
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset(range(0xD0, 0xD9)) | {0x01, 0xFF}
_TIFF_HEADS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
_NEW_SUBFILE_TYPE, _WIDTH, _HEIGHT, _DESCRIPTION, _SAMPLES, _DEPTH = 254, 256, 257, 270, 277, 32997
_MOST_DESCRIPTION_BYTES = 2**14
_IMAGES_OF_IMAGEJ = re.compile(rb"ImageJ=[^\0]*\nimages=(\d{1,9})\b")
_SHAPE_OF_TIFFFILE = re.compile(rb'\{"shape": \[((?:\d{1,9}(?:, )?)+)\]')
_PREVIEW_OR_MASK = 0b101  # bits of the first: no page of its own
_SHORT = 3  # the type of values of 16 bits


def find_fault(content: bytes) -> str | None:
    """Why an image file (its bytes) is not to be decoded, as `must ..., got ...`; None where its header is sound."""
    if is_tiff(content):
        sizes = list(tiff_pages(lambda place, size: content[place : place + size]))
        if len(sizes) > 1:
            return f"must hold one picture, got a TIFF stack of {len(sizes)}"
    else:
        sizes = [size for size in (_declared_size(content),) if size]
    if sizes and sizes[0][0] * sizes[0][1] > MOST_PIXELS:
        height, width = sizes[0]
        return f"must have at most {MOST_PIXELS} pixels, got {width} x {height}"
    return None


def is_tiff(content: bytes) -> bool:
    """Whether a file's first bytes are a TIFF's."""
    return content[:4] in _TIFF_HEADS


def _declared_size(content: bytes) -> tuple[int, int] | None:
    """(height, width) of a PNG, JPEG or BMP; None for a file of another kind, or a damaged one."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", content, 16)
        elif content.startswith(b"BM"):
            (header,) = struct.unpack_from("<I", content, 14)
            width, height = struct.unpack_from("<HH" if header == 12 else "<ii", content, 18)
        elif content.startswith(b"\xff\xd8"):
            height, width = _jpeg_size(content)
        else:
            return None
    except (struct.error, IndexError):
        return None
    return abs(height), abs(width)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    place = 2
    while True:
        while content[place] != 0xFF:
            place += 1
        marker = content[place + 1]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", content, place + 5)
            return height, width
        if marker in _BARE_MARKERS:
            place += 1 if marker == 0xFF else 2
        else:
            place += 2 + struct.unpack_from(">H", content, place + 2)[0]


def tiff_pages(read: Read) -> Iterator[tuple[int, int]]:
    """(height, width) of each page of a TIFF or BigTIFF, as far as it can be followed; without previews and masks.

    A page that holds several images counts as so many: ImageJ lists only the first one of a stack of more than 4 GB.
    """
    head = read(0, 16)
    order, is_big = _TIFF_HEADS[head[:4]], head[2:4] in (b"+\0", b"\0+")
    link, count, entry = ("Q", "Q", "HHQQ") if is_big else ("I", "H", "HHII")
    link_size, count_size, entry_size = (struct.calcsize(order + kind) for kind in (link, count, entry))
    seen: set[int] = set()
    try:
        (place,) = struct.unpack_from(order + link, head, 8 if is_big else 4)
        while place and place not in seen and len(seen) < _MOST_PAGES:
            seen.add(place)
            (entries,) = struct.unpack(order + count, read(place, count_size))
            entries = min(entries, _MOST_TAGS)
            table = read(place + count_size, entries * entry_size + link_size)
            tags, description = {}, b""
            for begin in range(0, entries * entry_size, entry_size):
                tag, kind, length, value = struct.unpack_from(order + entry, table, begin)
                if kind == _SHORT:
                    (value,) = struct.unpack_from(order + "H", table, begin + entry_size - link_size)
                if tag == _DESCRIPTION:
                    description = read(value, min(length, _MOST_DESCRIPTION_BYTES))
                tags[tag] = value
            if not tags.get(_NEW_SUBFILE_TYPE, 0) & _PREVIEW_OR_MASK:
                size = tags.get(_HEIGHT, 0), tags.get(_WIDTH, 0)
                is_only = len(seen) == 1 and table[entries * entry_size :].strip(b"\0") == b""
                images = _images_of_page(size, tags, description) if is_only else 1
                yield from repeat(size, images)
            (place,) = struct.unpack_from(order + link, table, entries * entry_size)
    except struct.error:
        return


def _images_of_page(size: tuple[int, int], tags: Mapping[int, int], description: bytes) -> int:
    """Number of images that the only page of a TIFF holds, by what ImageJ or tifffile write into it, or in depth."""
    images = tags.get(_DEPTH, 1)
    if told := _IMAGES_OF_IMAGEJ.match(description):
        images = int(told[1])
    elif told := _SHAPE_OF_TIFFFILE.match(description):
        values = prod(int(side) for side in told[1].split(b", "))
        images = values // max(1, prod(size) * tags.get(_SAMPLES, 1))
    return min(max(1, images), _MOST_PAGES)
