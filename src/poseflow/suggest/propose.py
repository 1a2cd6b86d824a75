"""Choose frames of a recording that are worth labeling."""

import hashlib
import logging
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from poseflow.config import ExtractConfig
from poseflow.core.errors import ConfigError
from poseflow.media import VideoIndex
from poseflow.suggest.features import cluster_images
from poseflow.suggest.scores import score_confidence, score_jumps
from poseflow.tables import Predictions

logger = logging.getLogger(__name__)

CHOICES = 5


def propose_frames(
    index: VideoIndex, config: ExtractConfig, labeled: Collection[int] = (), predictions: Predictions | None = None
) -> list[int]:
    """Propose up to `frames_per_video` frames, at least `min_gap_frames` from each other and from `labeled`.

    - `stride`: evenly spaced.
    - `random`: drawn by `config.seed` and the recording's name.
    - `diverse`: one of each cluster of image features (`cluster_images`).
    - `uncertain`: the frames with the lowest scores of `predictions` (`score_confidence`).
    - `jump`: the frames whose points leap the farthest away from both neighbors' (`score_jumps`).

    Returns: Frame indices, ascending; fewer than asked for where the recording is short or labeled densely.

    Raises:
        ConfigError: The method needs predictions, and there are none.
    """
    if config.method in NEED_PREDICTIONS and predictions is None:
        raise ConfigError(f"extract.method must be stride, random or diverse without predictions, got {config.method}")
    taken = _Taken(labeled, config.min_gap_frames)
    ranked = METHODS[config.method](index, config, taken, predictions)
    chosen: list[int] = []
    for frame in ranked:
        if len(chosen) == config.frames_per_video:
            break
        if taken.is_free(frame):
            taken.add(frame)
            chosen.append(frame)
    if len(chosen) < config.frames_per_video:
        logger.info("%s: %d of %d frames proposed", Path(index.path).name, len(chosen), config.frames_per_video)
    return sorted(chosen)


class _Taken:
    """Frames that are labeled or proposed, and what is near to them."""

    def __init__(self, frames: Collection[int], gap: int) -> None:
        self._frames = sorted(int(frame) for frame in frames)
        self._gap = gap

    def is_free(self, frame: int) -> bool:
        position = bisect_left(self._frames, frame)
        return all(abs(frame - near) >= self._gap for near in self._frames[max(position - 1, 0) : position + 1])

    def add(self, frame: int) -> None:
        insort(self._frames, frame)


def _stride(index: VideoIndex, config: ExtractConfig, taken: _Taken, predictions: Predictions | None) -> Iterable[int]:
    """The middle of each of `frames_per_video` equal parts, or the free frame nearest to it in that part."""
    parts = min(config.frames_per_video, index.frames)
    for part in range(parts):
        nearest = _outward(part * index.frames // parts, (part + 1) * index.frames // parts)
        free = next((frame for frame in nearest if taken.is_free(frame)), None)
        if free is not None:
            yield free


def _outward(start: int, stop: int) -> Iterator[int]:
    """Start to stop - 1, from the middle to both sides."""
    middle = (start + stop - 1) // 2
    yield middle
    for step in range(1, stop - middle):
        if middle - step >= start:
            yield middle - step
        if middle + step < stop:
            yield middle + step


def _random(index: VideoIndex, config: ExtractConfig, taken: _Taken, predictions: Predictions | None) -> Iterable[int]:
    count = min(index.frames, 1000 + 200 * config.frames_per_video)
    return map(int, _generator(index, config).choice(index.frames, count, replace=False))


def _diverse(index: VideoIndex, config: ExtractConfig, taken: _Taken, predictions: Predictions | None) -> Iterable[int]:
    candidates = [frame for frame in _spaced_candidates(index, config) if taken.is_free(frame)]
    clusters = cluster_images(index, candidates, config.frames_per_video, seed=config.seed)
    # One of each cluster first, then second choices, for clusters whose first is too near to another's.
    depth = max(map(len, clusters), default=0)
    return (cluster[position] for position in range(depth) for cluster in clusters if position < len(cluster))


def _uncertain(
    index: VideoIndex, config: ExtractConfig, taken: _Taken, predictions: Predictions | None
) -> Iterable[int]:
    assert predictions is not None
    frames, scores = score_confidence(predictions)
    return map(int, frames[np.argsort(scores, kind="stable")])


def _jump(index: VideoIndex, config: ExtractConfig, taken: _Taken, predictions: Predictions | None) -> Iterable[int]:
    assert predictions is not None
    frames, leaps = score_jumps(predictions)
    leaping = leaps > 0
    return map(int, frames[leaping][np.argsort(-leaps[leaping], kind="stable")])


Method = Callable[[VideoIndex, ExtractConfig, _Taken, Predictions | None], Iterable[int]]
METHODS: dict[str, Method] = {
    "stride": _stride,
    "random": _random,
    "diverse": _diverse,
    "uncertain": _uncertain,
    "jump": _jump,
}
NEED_PREDICTIONS = ("uncertain", "jump")


def _spaced_candidates(index: VideoIndex, config: ExtractConfig) -> list[int]:
    """Evenly spaced frames; keyframes where there are enough to choose from, since these decode without others."""
    pool = index.keyframes.values()
    if len(pool) < CHOICES * config.frames_per_video:
        pool = np.arange(index.frames, dtype=np.int64)
    spaced = np.linspace(0, len(pool) - 1, min(config.candidates, len(pool)))
    return [int(frame) for frame in pool[np.unique(spaced.round().astype(np.int64))]]


def _generator(index: VideoIndex, config: ExtractConfig) -> np.random.Generator:
    name = hashlib.sha256(Path(index.path).name.encode()).digest()[:8]
    return np.random.default_rng([config.seed, int.from_bytes(name, "big")])
