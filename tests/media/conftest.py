"""Clips whose frames carry their own number."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from numbered_clips import Clips, encode


@pytest.fixture(scope="session")
def clips() -> type[Clips]:
    """Functions that make numbered clips."""
    return Clips


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 numbered frames, H.264, two B-frames in a row, a keyframe each 12 frames: three segments."""
    return encode(tmp_path_factory.mktemp("clip") / "clip.mp4", frames=150)


@pytest.fixture(scope="session")
def damage() -> Callable[[Path, Path, int], Path]:
    """A function that copies a video and zeroes the second half of one packet (by its place in the file)."""

    def spoil(source: Path, target: Path, ordinal: int) -> Path:
        with av.open(f"file:{source}") as container:
            packet = bytes([packet for packet in container.demux(video=0) if packet.size][ordinal])
        content = bytearray(source.read_bytes())
        end = content.index(packet) + len(packet)
        content[end - len(packet) // 2 : end] = bytes(len(packet) // 2)
        target.write_bytes(content)
        return target

    return spoil
