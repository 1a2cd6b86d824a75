"""What a source of live frames is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from poseflow.live.frames import Frame

Clock = Callable[[], float]
"""`time.monotonic`, or what stands for it in a test."""


@dataclass(frozen=True)
class SourceFacts:
    """What is known of a source once it is open."""

    name: str
    """As errors and the pose table call it."""
    width: int
    """px"""
    height: int
    """px"""
    fps: float | None
    """Frames a second as the source says it; None where it does not."""
    has_color: bool


@dataclass(frozen=True)
class SourceSettings:
    """What is asked of a source; it may give something else, and says in `SourceFacts` what."""

    rate: float | None = None
    """Frames a second."""
    size: tuple[int, int] | None = None
    """Width and height, px."""
    repeat: bool = False
    """A video begins anew when it is over."""


class Source(Protocol):
    """An open source; another package adds a kind of them by an entry point `poseflow.live_sources`.

    A kind is a function of what stands behind its name in SOURCE, of the settings, and of the clock. It raises
    VideoError, in one line, for what cannot be opened.
    """

    @property
    def facts(self) -> SourceFacts:
        """What is known of it."""

    def frames(self, channels: int) -> Iterator[Frame]:
        """Frames as they come, each with 1 (grey) or 3 (RGB) channels; ends where the source does.

        Raises: VideoError where a source fails that has no end of its own.
        """

    def close(self) -> None:
        """Let go of it; called once, when `frames` is no longer asked."""
