"""Match the instances of a frame with tracks: at most one of the other for each."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

Gains = list[dict[int, float]]
"""Of each instance, what each track would gain by it; a track that is not there is not allowed. All are above 0."""

Match = Callable[[Gains], list[int]]
"""From gains to each instance's track, -1 for none."""


def match_hungarian(gains: Gains) -> list[int]:
    """The matching whose total gain is the greatest.

    Where every instance's best track is another one, that is it; else the Hungarian algorithm decides.
    """
    best = [max(row, key=row.__getitem__) if row else -1 for row in gains]
    taken = [track for track in best if track >= 0]
    if len(set(taken)) == len(taken):
        return best
    tracks = sorted(set().union(*gains))
    matrix = np.array([[row.get(track, 0.0) for track in tracks] for row in gains])
    matched = [-1] * len(gains)
    for i, j in zip(*linear_sum_assignment(matrix, maximize=True), strict=True):
        if tracks[j] in gains[i]:
            matched[i] = tracks[j]
    return matched


def match_greedy(gains: Gains) -> list[int]:
    """The pair of greatest gain first, then the greatest of what is left, and so on."""
    best = [max(row, key=row.__getitem__) if row else -1 for row in gains]
    taken = [track for track in best if track >= 0]
    if len(set(taken)) == len(taken):
        return best
    pairs = [(-gain, i, track) for i, row in enumerate(gains) for track, gain in row.items()]
    matched, used = [-1] * len(gains), set()
    for _, i, track in sorted(pairs):
        if matched[i] < 0 and track not in used:
            matched[i] = track
            used.add(track)
    return matched


MATCHINGS: dict[str, Match] = {"hungarian": match_hungarian, "greedy": match_greedy}
