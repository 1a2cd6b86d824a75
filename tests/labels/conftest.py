"""Small recordings and label files, written anew for each test."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio

from poseflow.media import write_video

NODES = ("nose", "body", "tail")


def draw_frames(count: int, height: int = 48, width: int = 64, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Frames of a moving bright square on noise, (count, height, width, channels) uint8."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(40, 90, (count, height, width, channels), dtype=np.uint8)
    for number, frame in enumerate(frames):
        left = (3 * number) % (width - 10)
        frame[10:20, left : left + 10] = 220 if channels == 1 else (220, 120, 30)
    return frames


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Write a video below the test's folder: `make_video("a.mp4", count=30, channels=1, seed=0)`."""

    def make(name: str, count: int = 30, channels: int = 1, seed: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, draw_frames(count, channels=channels, seed=seed), fps=25, gop=10, bframes=2)
        return path

    return make


@pytest.fixture
def make_labels(tmp_path: Path) -> Callable[..., Path]:
    """Write a `.slp`: `make_labels("a.slp", "a.mp4", {frame: [points, ...]}, tracks=("m", "f"), nodes=NODES)`."""

    def make(
        name: str,
        video: str | Path,
        frames: Mapping[int, Sequence[np.ndarray]],
        tracks: Sequence[str | None] = (),
        nodes: Sequence[str] = NODES,
        edges: Sequence[tuple[str, str]] = (),
        predicted: bool = False,
    ) -> Path:
        skeleton = sio.Skeleton(nodes=list(nodes), edges=list(edges))
        recording = sio.Video(filename=str(video), open_backend=False)
        named = {track: sio.Track(name=track) for track in tracks if track}
        labeled = []
        for frame_idx, animals in frames.items():
            instances = []
            for place, points in enumerate(animals):
                track = named.get(tracks[place]) if place < len(tracks) else None
                kind = sio.PredictedInstance if predicted else sio.Instance
                instances.append(kind.from_numpy(np.asarray(points, float), skeleton=skeleton, track=track))
            labeled.append(sio.LabeledFrame(video=recording, frame_idx=frame_idx, instances=instances))
        labels = sio.Labels(labeled_frames=labeled, videos=[recording], skeletons=[skeleton], tracks=[*named.values()])
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sio.save_slp(labels, str(path), embed=False, verbose=False)
        return path

    return make


@pytest.fixture
def animal() -> Callable[..., np.ndarray]:
    """Points of one animal, (nodes, 2), 5 px apart in x: `animal(x=10, y=12)`."""

    def place(x: float = 10.0, y: float = 12.0, nodes: int = 3) -> np.ndarray:
        return np.stack([x + 5.0 * np.arange(nodes), np.full(nodes, y)], axis=1)

    return place
