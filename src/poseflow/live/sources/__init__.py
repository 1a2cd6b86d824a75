"""Where live frames come from: a kind of source a file."""

import time
from collections.abc import Callable
from pathlib import Path

from poseflow.core.errors import ConfigError
from poseflow.core.registry import Registry
from poseflow.live.sources.source import Clock, Source, SourceFacts, SourceSettings

__all__ = ["SOURCES", "Clock", "Source", "SourceFacts", "SourceSettings", "open_source", "parse_source"]

SOURCES = Registry[Callable[[str, SourceSettings, Clock], Source]](
    "live_sources",
    "the kind of a live source",
    camera="poseflow.live.sources.camera:open_camera",
    stream="poseflow.live.sources.camera:open_stream",
    video="poseflow.live.sources.playback:VideoPlayback",
)
"""Kinds of sources by the name before the colon, as in `camera:0`."""


def open_source(source: str, settings: SourceSettings, clock: Clock = time.monotonic) -> Source:
    """Open a source.

    Args:
        source: as `parse_source` has it.

    Raises: ConfigError for a kind that there is not, VideoError for what cannot be opened.
    """
    kind, argument = parse_source(source)
    return SOURCES[kind](argument, settings, clock)


def parse_source(source: str) -> tuple[str, str]:
    """The kind of a source and what it is told.

    A number or `/dev/video…` is a camera, an address with `://` or a pipeline of GStreamer (with ` ! `) is a stream, a
    file or folder is a video; anything else is `KIND:ARGUMENT`.

    Example:
        >>> parse_source("0"), parse_source("rtsp://10.0.0.7/cage"), parse_source("camera:1")
        (('camera', '0'), ('stream', 'rtsp://10.0.0.7/cage'), ('camera', '1'))
    """
    kind, colon, argument = source.partition(":")
    if colon and kind in SOURCES:
        return kind, argument
    if source.isdecimal() or source.startswith("/dev/video"):
        return "camera", source
    if "://" in source or " ! " in source:
        return "stream", source
    if Path(source).exists():
        return "video", source
    raise ConfigError(
        "SOURCE must be a camera's number or device, an address such as rtsp://…, a video that is there, or "
        f"{', '.join(f'{name}:…' for name in SOURCES)}; got {source!r}"
    )
