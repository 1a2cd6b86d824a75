"""Which frames are worth showing."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

Scored = Sequence[Mapping[str, Any]]


def choose_examples(scored: Scored, each: int, apart: int = 25) -> dict[str, list[int]]:
    """Numbers of the best, the median and the worst frames, the better before the worse, none twice.

    Frames of one video are at least `apart` frames from one another, where there are enough: neighbors look alike.

    Args:
        scored: frames with video, frame_idx and oks, the best first (`poseflow.evaluation.score_frames`).
    """
    best = range(len(scored))
    central = sorted(best, key=lambda i: abs(i - (len(scored) - 1) / 2))
    chosen: dict[str, list[int]] = {}
    for rank, order in (("worst", best[::-1]), ("best", best), ("median", central)):
        taken = [i for numbers in chosen.values() for i in numbers]
        chosen[rank] = _pick(scored, order, each, apart, taken)
    return {rank: sorted(chosen[rank]) for rank in ("best", "median", "worst")}


def _pick(scored: Scored, order: Sequence[int], each: int, apart: int, taken: Sequence[int]) -> list[int]:
    """The first `each` in an order that are free and apart from the others; then, if too few, from those near."""
    picked: list[int] = []
    for distance in (apart, 1):
        for i in order:
            if len(picked) == each:
                return picked
            if all(_frames_between(scored[i], scored[j]) >= distance for j in (*taken, *picked)):
                picked.append(i)
    return picked


def _frames_between(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    return abs(a["frame_idx"] - b["frame_idx"]) if a["video"] == b["video"] else inf
