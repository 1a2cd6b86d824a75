"""What a browser's decoder is told of a video: codec strings and descriptions, from the container's own data.

Sources: RFC 6381 and ISO/IEC 14496-15 (avc1, hvc1), the AV1 and VP9 bindings for ISO media, and W3C's WebCodecs codec
registry, by which data without a description is an Annex B stream.
"""

import re
from dataclasses import dataclass

from av.video.stream import VideoStream

_SPS_OF_H264 = re.compile(rb"\x00\x00\x01([\x07\x27\x47\x67])(...)", re.DOTALL)
_NAMES_OF_VP = {"vp8": "vp8", "vp9": "vp09.00.10.08"}


@dataclass(frozen=True)
class CodecFacts:
    """How packets of a video are decoded."""

    codec: str
    description: bytes | None
    """Of avcC, hvcC; None where packets say all themselves."""
    width: int
    height: int
    """As coded, before any rotation."""
    prefix: bytes = b""
    """Parameter sets that keyframes lack, in an Annex B stream."""


def find_codec(stream: VideoStream) -> CodecFacts | None:
    """What a browser must know of a video; None for a codec that no browser has."""
    context = stream.codec_context
    extra = bytes(context.extradata or b"")
    return _describe(context.name, extra, (context.width, context.height), context.pix_fmt or "")


def _describe(name: str, extra: bytes, size: tuple[int, int], pix_fmt: str) -> CodecFacts | None:
    if name == "h264":
        return _describe_h264(extra, size)
    if name == "hevc" and extra[:1] == b"\x01" and len(extra) >= 23:
        return CodecFacts(_name_hevc(extra), extra, *size)
    if name in ("av1", "libdav1d", "libaom-av1"):
        return CodecFacts(_name_av1(extra, pix_fmt), None, *size)
    if name in _NAMES_OF_VP:
        is_plain = name == "vp8" or pix_fmt in ("yuv420p", "yuvj420p", "")
        return CodecFacts(_NAMES_OF_VP[name] if is_plain else _name_vp9(pix_fmt), None, *size)
    return None


def _describe_h264(extra: bytes, size: tuple[int, int]) -> CodecFacts | None:
    if extra[:1] == b"\x01" and len(extra) >= 7:
        return CodecFacts(f"avc1.{extra[1:4].hex()}", extra, *size)
    found = _SPS_OF_H264.search(extra)
    return CodecFacts(f"avc1.{found[2].hex()}", None, *size, prefix=extra) if found else None


def has_parameters(packet: bytes) -> bool:
    """Whether an H.264 packet of an Annex B stream brings its own sequence parameters."""
    return _SPS_OF_H264.search(packet) is not None


def _name_hevc(extra: bytes) -> str:
    """Of HEVCDecoderConfigurationRecord, as ISO/IEC 14496-15, E.3."""
    space = ("", "A", "B", "C")[extra[1] >> 6]
    flags = int(f"{int.from_bytes(extra[2:6], 'big'):032b}"[::-1], 2)
    limits = extra[6:12].rstrip(b"\0")
    parts = [f"{space}{extra[1] & 31}", f"{flags:X}", f"{'LH'[extra[1] >> 5 & 1]}{extra[12]}"]
    return ".".join(["hvc1", *parts, *(f"{limit:X}" for limit in limits)])


def _name_av1(extra: bytes, pix_fmt: str) -> str:
    depth = 10 if "10" in pix_fmt else 12 if "12" in pix_fmt else 8
    if extra[:1] == b"\x81" and len(extra) >= 4:
        profile, level, tier = extra[1] >> 5, extra[1] & 31, "MH"[extra[2] >> 7]
        return f"av01.{profile}.{level:02d}{tier}.{depth:02d}"
    return f"av01.{1 if '444' in pix_fmt else 0}.08M.{depth:02d}"


def _name_vp9(pix_fmt: str) -> str:
    depth = 10 if "10" in pix_fmt else 12 if "12" in pix_fmt else 8
    profile = ("444" in pix_fmt or "422" in pix_fmt) + 2 * (depth > 8)
    return f"vp09.{profile:02d}.10.{depth:02d}"
