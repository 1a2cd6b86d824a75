"""Name tracklets by appearance and motion together: the most likely names of all, two in one frame never the same.

Tracklets are taken in order of their first frames. What matters of the names given so far is who bears each name now:
a hidden Markov model, whose states are these bearers. The most likely names (Viterbi) and the probability of each
tracklet's name (forward-backward) are found block by block, looking some tracklets ahead.
"""

from dataclasses import dataclass, field
from math import exp, inf, log1p

import numpy as np
from numpy.typing import NDArray

BLOCK, AHEAD = 2048, 512
"""Tracklets that are named in one go, and how many beyond are looked at for it."""

UNLIKELY = 16.0
"""Log of how much less likely than the best a state is forgotten; with MOST_STATES, for crowds of alike animals."""

MOST_STATES = 256

NOBODY, LOST = -1, -2
"""Instead of a name: nobody's, and that of a tracklet whose name another has taken since."""


@dataclass(frozen=True, eq=False)
class Tracklets:
    """n tracklets, sorted by their first frames."""

    first: NDArray[np.int64]
    """(n,) first frame"""
    last: NDArray[np.int64]
    """(n,) last frame"""
    logs: NDArray[np.float64]
    """(n, names + 1) log-probability of the appearance under each name, and under none"""
    before: NDArray[np.int64]
    """(n,) the tracklet that motion takes for the same animal before, -1 for none"""
    confidence: NDArray[np.float64]
    """(n,) how likely that is"""


def name_tracklets(tracklets: Tracklets) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Name all tracklets together.

    Sought are the names that make appearance and links most likely: a link between tracklets of one name has the
    probability `confidence`, to any other name, or none, an equal share of the rest. Tracklets that share a frame never
    share a name.

    Returns: the place of each tracklet's name, -1 for nobody's; the probability of that, given all that is known.

    Source: Rabiner 1989 for the hidden Markov model; tracklets named by their summed appearance under mutual
        exclusion as in idtracker.ai (Romero-Ferrero et al. 2019, Methods), there one by one, the most certain first.
    """
    count = len(tracklets.first)
    codes, scores = np.full(count, NOBODY, np.int16), np.zeros(count)
    lattice = _Lattice(tracklets)
    layer = lattice.begin()
    for begin in range(0, count, BLOCK):
        stop = min(begin + BLOCK, count)
        layers = [layer]
        for number in range(begin, min(stop + AHEAD, count)):
            layers.append(lattice.extend(layers[-1], number))
        at = int(np.argmax(layers[-1].best))
        probable = _find_probable(layers)
        for number in range(begin + len(layers) - 2, begin - 1, -1):
            step = layers[number - begin + 1]
            if number == stop - 1:
                layer = step.only(at)
            if number < stop:
                codes[number] = step.best_code[at]
                scores[number] = probable[number - begin].get(step.best_code[at], 0.0)
            at = step.best_from[at]
    return codes, scores


_State = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass
class _Layer:
    """The states after a tracklet, and the ways to them."""

    states: list["_State"]
    """Of each: the tracklet that bears each name, -1 for one whose bearer no longer matters, and who bears none."""
    best: list[float]
    """Log-probability of the best way to each state."""
    total: list[float]
    """And of all ways."""
    best_from: list[int] = field(default_factory=list)
    best_code: list[int] = field(default_factory=list)
    ways: list[tuple[int, int, int, float]] = field(default_factory=list)
    """(from, to, name, log-weight)"""

    def only(self, at: int) -> "_Layer":
        """The same, with the best way led through one state."""
        return _Layer(self.states, [0.0 if place == at else -inf for place in range(len(self.states))], self.total)


class _Lattice:
    def __init__(self, tracklets: Tracklets) -> None:
        self.first, self.last = tracklets.first.tolist(), tracklets.last.tolist()
        self.before, self.logs = tracklets.before.tolist(), tracklets.logs
        self.names = tracklets.logs.shape[1] - 1
        others = max(self.names, 1)  # the other names, or none
        confidence = np.clip(tracklets.confidence, 1e-9, 1 - 1e-9)
        self.same, self.other = np.log(confidence).tolist(), np.log((1 - confidence) / others).tolist()
        self.after = [-1] * len(self.first)
        for number, before in enumerate(self.before):
            if before >= 0:
                self.after[before] = number

    def begin(self) -> _Layer:
        return _Layer([((-1,) * self.names, ())], [0.0], [0.0])

    def extend(self, layer: _Layer, number: int) -> _Layer:
        """Give the next tracklet every name that is free, or none."""
        first, before, logs = self.first[number], self.before[number], self.logs[number].tolist()
        same, other = self.same[number], self.other[number]
        places: dict[_State, int] = {}
        new = _Layer([], [], [])
        for origin, (bearers, nobody) in enumerate(layer.states):
            kept = tuple([bearer if self._matters(bearer, number) else -1 for bearer in bearers])
            strangers = tuple([stranger for stranger in nobody if self.after[stranger] >= number])
            linked = LOST
            if before >= 0:
                linked = bearers.index(before) if before in bearers else NOBODY if before in nobody else LOST
            for code in range(-1, self.names):
                if code >= 0 and kept[code] >= 0 and self.last[kept[code]] >= first:
                    continue
                weight = logs[code] + (0.0 if linked == LOST else same if code == linked else other)
                if code >= 0:
                    reached: _State = ((*kept[:code], number, *kept[code + 1 :]), strangers)
                else:
                    reached = (kept, (*strangers, number))
                to = places.setdefault(reached, len(places))
                if to == len(new.states):
                    new.states.append(reached)
                    new.best.append(-inf)
                    new.total.append(-inf)
                    new.best_from.append(origin)
                    new.best_code.append(code)
                score = layer.best[origin] + weight
                if score > new.best[to]:
                    new.best[to], new.best_from[to], new.best_code[to] = score, origin, code
                new.total[to] = _add_logs(new.total[to], layer.total[origin] + weight)
                new.ways.append((origin, to, code, weight))
        return _prune(new)

    def _matters(self, bearer: int, number: int) -> bool:
        """Whether it is still in view, or motion takes a later tracklet for the same animal."""
        return bearer >= 0 and (self.last[bearer] >= self.first[number] or self.after[bearer] >= number)


def _prune(layer: _Layer) -> _Layer:
    """Forget what is most unlikely, and bring the logs near 0."""
    top_best, top_total = max(layer.best), max(layer.total)
    worth = [max(best - top_best, total - top_total) for best, total in zip(layer.best, layer.total, strict=True)]
    least = -UNLIKELY
    if len(worth) > MOST_STATES:
        least = max(least, sorted(worth, reverse=True)[MOST_STATES])
    kept = [place for place, value in enumerate(worth) if value > least or value == 0]
    place_now = {place: now for now, place in enumerate(kept)}
    return _Layer(
        [layer.states[place] for place in kept],
        [layer.best[place] - top_best for place in kept],
        [layer.total[place] - top_total for place in kept],
        [layer.best_from[place] for place in kept],
        [layer.best_code[place] for place in kept],
        [(origin, place_now[to], code, weight) for origin, to, code, weight in layer.ways if to in place_now],
    )


def _find_probable(layers: list[_Layer]) -> list[dict[int, float]]:
    """Probability of each name of each tracklet: forward, which the layers hold, times backward."""
    later = [0.0] * len(layers[-1].states)
    probable: list[dict[int, float]] = []
    for earlier, layer in zip(layers[-2::-1], layers[:0:-1], strict=True):
        backward = [-inf] * len(earlier.states)
        by_code: dict[int, float] = {}
        for origin, to, code, weight in layer.ways:
            reach = weight + later[to]
            backward[origin] = _add_logs(backward[origin], reach)
            by_code[code] = _add_logs(by_code.get(code, -inf), earlier.total[origin] + reach)
        whole = -inf
        for value in by_code.values():
            whole = _add_logs(whole, value)
        probable.append({code: exp(value - whole) for code, value in by_code.items()})
        top = max(backward)
        later = [value - top for value in backward]
    return probable[::-1]


def _add_logs(a: float, b: float) -> float:
    high, low = (a, b) if a > b else (b, a)
    return high if low == -inf else high + log1p(exp(low - high))
