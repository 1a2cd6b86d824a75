"""How well instances fit the candidates of the frames before them, for many frames at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.similarity import find_box_areas, find_boxes, find_centroids, score_iou, score_oks
from poseflow.tables import Predictions

FAR_PX = 1e6
"""A distance beyond any image: centroids nearer than this have a positive gain."""

TIE_BREAK = 1e-12
"""Weight of a px of nearness beside OKS or IoU, so that of pairs which are equally unlike the nearer one is linked."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Instances:
    """Instances that are tracked, sorted by frame, and what is compared of them."""

    frame: NDArray[np.int64]
    """(n,)"""
    row: NDArray[np.int64]
    """(n,) row of the whole predictions table"""
    score: Floats
    """(n,)"""
    centroid: Floats
    """(n, 2)"""
    moved_centroid: Floats
    """(n, window, 2) where flow moves it to on the frames that follow; (n, 0, 2) without flow"""
    area: Floats
    """(n,) px² of the bounding box, at least 1"""
    here: Floats
    """(n, ...) what is compared, where the instance is"""
    moved: Floats
    """(n, window, ...) what is compared, where flow moves the instance to; (n, 0, ...) without flow"""

    def __len__(self) -> int:
        return len(self.frame)

    def tail(self, frame: int) -> "Instances":
        """Those from `frame` on."""
        begin = int(np.searchsorted(self.frame, frame))
        return Instances(**{name: values[begin:] for name, values in vars(self).items()})

    def join(self, later: "Instances") -> "Instances":
        """These, then `later`."""
        return Instances(**{name: np.concatenate([values, vars(later)[name]]) for name, values in vars(self).items()})


def describe_instances(predictions: Predictions, rows: NDArray[np.intp], config: TrackingConfig) -> Instances:
    """Take from the predictions what the similarity compares.

    A candidate that flow has lost altogether is taken to have stayed where it was.
    """
    feature = SIMILARITIES[config.similarity].feature
    points = predictions.points[rows]
    shifted = predictions.shifted[rows, : config.window_frames if config.candidates == "flow" else 0]
    here, moved = feature(points), feature(shifted)
    centroid, moved_centroid = find_centroids(points), find_centroids(shifted)
    lost = np.isnan(moved_centroid[..., 0])
    stayed = np.nonzero(lost)[0]
    moved[lost], moved_centroid[lost] = here[stayed], centroid[stayed]
    return Instances(
        frame=predictions.frame_idx[rows],
        row=rows + predictions.first_row,
        score=predictions.instance_score[rows],
        centroid=centroid,
        moved_centroid=moved_centroid,
        area=np.maximum(find_box_areas(points), 1),
        here=here,
        moved=moved,
    )


@dataclass(frozen=True, eq=False)
class PairGains:
    """What linking each instance with each candidate would gain; NaN where it is not allowed.

    `offsets[k - 1][f]` is the place in `gains` of frame f's pairs with the frame k before it, instance by instance;
    `partners[k - 1][f]` is that frame's place, -1 if nothing is known of it.
    """

    gains: list[float]
    offsets: list[list[int]]
    partners: list[list[int]]


def gain_of_pairs(
    instances: Instances, frames: NDArray[np.int64], starts: NDArray[np.intp], new: int, config: TrackingConfig
) -> PairGains:
    """Compare the instances of each frame with those of the `window_frames` frames before it.

    Args:
        instances: of all frames in `frames`.
        frames: (f,) frame numbers, ascending. starts: (f + 1,) where each frame's instances begin.
        new: place of the first frame whose instances are compared; those before serve as candidates only.
    """
    current, candidate, lags, offsets, partners = [], [], [], [], []
    total = 0
    for lag in range(1, config.window_frames + 1):
        partner = _find_frames(frames, frames[new:] - lag)
        i, j, offset = _enumerate_pairs(starts, np.arange(new, len(frames)), partner)
        current.append(i)
        candidate.append(j)
        lags.append(np.full(len(i), lag))
        offsets.append([0] * new + (offset + total).tolist())
        partners.append([-1] * new + partner.tolist())
        total += len(i)
    i, j, lag_of = np.concatenate(current), np.concatenate(candidate), np.concatenate(lags)
    return PairGains(_gain(instances, i, j, lag_of, config).tolist(), offsets, partners)


def gains_by_track(pairs: PairGains, place: int, instances: int, labels: list[list[int]]) -> list[dict[int, float]]:
    """For each of a frame's instances, the gain by the best candidate of each track.

    Args:
        place: of the frame. instances: how many it has.
        labels: tracks of the instances of each frame before it, -1 for one that has none.
    """
    rows: list[dict[int, float]] = [{} for _ in range(instances)]
    for partners, offsets in zip(pairs.partners, pairs.offsets, strict=True):
        partner = partners[place]
        if partner < 0:
            continue
        tracks, at = labels[partner], offsets[place]
        for row in rows:
            for track in tracks:
                gain = pairs.gains[at]
                at += 1
                if track >= 0 and gain > row.get(track, 0.0):
                    row[track] = gain
    return rows


def _find_frames(frames: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Places of frame numbers among `frames`, -1 for those that are not there."""
    place = np.searchsorted(frames, wanted)
    return np.where(frames[np.minimum(place, len(frames) - 1)] == wanted, place, -1)


def _enumerate_pairs(
    starts: NDArray[np.intp], current: NDArray[np.intp], partner: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """All pairs (instance of a frame, instance of its partner frame), frame by frame.

    Returns: the instance and the candidate of each pair, and where each frame's pairs begin.
    """
    counts = np.diff(starts)
    across = np.where(partner >= 0, counts[partner], 0)
    pairs = counts[current] * across
    offset = np.cumsum(pairs) - pairs
    within = np.arange(pairs.sum()) - np.repeat(offset, pairs)
    width = np.repeat(across, pairs)
    i = np.repeat(starts[current], pairs) + within // np.maximum(width, 1)
    j = np.repeat(starts[partner], pairs) + within % np.maximum(width, 1)
    return i, j, offset


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Instances beside the candidates they are compared with; p pairs."""

    here: Floats
    """(p, ...) what is compared of the instance"""
    there: Floats
    """(p, ...) and of the candidate"""
    area: NDArray[np.float64]
    """(p,) px², of the larger one's box: the other may be partly hidden"""
    distance: NDArray[np.float64]
    """(p,) px between the centroids"""


def _gain(
    instances: Instances, i: NDArray[np.intp], j: NDArray[np.intp], lag: NDArray[np.intp], config: TrackingConfig
) -> NDArray[np.float64]:
    """Gain of linking instance i with candidate j, `lag` frames before it; NaN where it is not allowed."""
    flow = config.candidates == "flow"
    centroid = instances.moved_centroid[j, lag - 1] if flow else instances.centroid[j]
    offset = instances.centroid[i].astype(np.float64) - centroid
    pairs = _Pairs(
        here=instances.here[i],
        there=instances.moved[j, lag - 1] if flow else instances.here[j],
        area=np.maximum(instances.area[i], instances.area[j]).astype(np.float64),
        distance=np.hypot(offset[:, 0], offset[:, 1]),
    )
    gain = SIMILARITIES[config.similarity].gain(pairs, config)
    if config.max_distance_px is not None:
        gain[pairs.distance > config.max_distance_px] = np.nan
    return gain


def _gain_of_nearness(pairs: _Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    return (config.max_distance_px or FAR_PX) - pairs.distance


def _gain_of_oks(pairs: _Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    here, there, area = pairs.here[:, None], pairs.there[:, None], pairs.area[:, None]
    return _with_tie_break(score_oks(here, there, config.oks_factor, area=area), pairs, config)


def _gain_of_iou(pairs: _Pairs, config: TrackingConfig) -> NDArray[np.float64]:
    # A box as a pose of two nodes is its own box.
    corners = (len(pairs.here), 1, 2, 2)
    return _with_tie_break(score_iou(pairs.here.reshape(corners), pairs.there.reshape(corners)), pairs, config)


def _with_tie_break(
    similarity: NDArray[np.floating[Any]], pairs: _Pairs, config: TrackingConfig
) -> NDArray[np.float64]:
    allowed = np.where(similarity[:, 0, 0] >= config.min_similarity, similarity[:, 0, 0], np.nan)
    return allowed.astype(np.float64) + TIE_BREAK * (FAR_PX - pairs.distance)


@dataclass(frozen=True)
class Similarity:
    """What is taken of points (..., nodes, 2) to compare, and what linking each pair then gains (p,)."""

    feature: Callable[[Floats], Floats]
    gain: Callable[[_Pairs, TrackingConfig], NDArray[np.float64]]


SIMILARITIES = {
    "centroid": Similarity(find_centroids, _gain_of_nearness),
    "oks": Similarity(np.copy, _gain_of_oks),
    "iou": Similarity(find_boxes, _gain_of_iou),
}
