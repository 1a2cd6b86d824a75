"""CLEAR MOT by its definition, for recordings of which motmetrics, at a millisecond a frame, would take too long."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from poseflow.core.matching import match_pairs
from poseflow.evaluation.blocks import FrameBlock


@dataclass
class ClearMot:
    """Counts of what happens to animals and their tracks, frame after frame; as motmetrics counts.

    An animal keeps its track from frame to frame as long as both are there and near enough; the others are matched for
    the most matches, and of these for the least total distance. Between two frames with the same animals and tracks
    nothing happens where the matches can be kept and no others can be made: such runs are counted at once.

    Source: Bernardin & Stiefelhagen 2008, "Evaluating multiple object tracking performance: the CLEAR MOT metrics".
    """

    matches: int = 0
    """Without those that are switches."""
    switch_frames: list[int] = field(default_factory=list)
    """One entry a switch: an animal is matched with another track than before."""
    fragments: int = 0
    """An animal is matched again after frames in which it had no track."""
    false_negatives: int = 0
    false_positives: int = 0
    distance: float = 0.0
    """Sum over matches and switches, px."""
    _track_of: dict[int, int] = field(default_factory=dict)
    """The last track of each animal."""
    _lost: set[int] = field(default_factory=set)
    """Animals that had a track, and had none in the last frame that labels them."""

    def add(self, block: FrameBlock) -> None:
        """Count the next frames."""
        animals, tracks = block.animals, block.tracks
        same = np.zeros(len(block.frames), bool)  # as the frame before
        same[1:] = (animals[1:] == animals[:-1]).all(axis=1) & (tracks[1:] == tracks[:-1]).all(axis=1)
        others = np.append(np.flatnonzero(~same), len(same))
        at = 0
        while at < len(block.frames):
            counts = (animals[at] >= 0).sum(), (tracks[at] >= 0).sum()
            distance = block.distance[at:, : counts[0], : counts[1]]
            matched = self._match(int(block.frames[at]), animals[at][: counts[0]], tracks[at][: counts[1]], distance[0])
            end = int(others[np.searchsorted(others, at, side="right")])
            last = [self._track_of.get(animal) for animal in animals[at][: counts[0]].tolist()]
            at += 1 + self._repeat(
                matched, find_columns(last, tracks[at][: counts[1]].tolist()), distance[1 : end - at]
            )

    def _match(
        self, frame: int, animals: NDArray[np.int64], tracks: NDArray[np.int64], distance: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Match a frame's animals and tracks and count; gives each animal's position in `tracks`, -1 for none."""
        matched = keep_matches([self._track_of.get(animal) for animal in animals.tolist()], tracks.tolist(), distance)
        free = distance.copy()
        free[matched >= 0] = np.nan
        free[:, matched[matched >= 0]] = np.nan
        # Each match is worth more than all distances together.
        worth = (1 + np.nansum(distance)) - free
        matched = np.where(matched >= 0, matched, match_pairs(worth))
        for row, animal in enumerate(animals.tolist()):
            if matched[row] < 0:
                self.false_negatives += 1
                if animal in self._track_of:
                    self._lost.add(animal)
                continue
            track = int(tracks[matched[row]])
            self.distance += float(distance[row, matched[row]])
            if self._track_of.get(animal, track) == track:
                self.matches += 1
            else:
                self.switch_frames.append(frame)
            self.fragments += animal in self._lost
            self._lost.discard(animal)
            self._track_of[animal] = track
        self.false_positives += len(tracks) - int((matched >= 0).sum())
        return matched

    def _repeat(self, matched: NDArray[np.int64], last: NDArray[np.int64], distance: NDArray[np.float64]) -> int:
        """Count the frames that follow with the same matches, before the first other; gives their number.

        Args:
            matched: (animals,) as `_match` gives it.
            last: (animals,) position of each animal's last track, -1 where it is not there.
            distance: (frames, animals, tracks) of the frames that follow.
        """
        rows = np.flatnonzero(matched >= 0)
        kept = distance[:, rows, matched[rows]]
        free = np.delete(np.delete(distance, rows, axis=1), matched[rows], axis=2)
        # An animal without a track comes back to its last one, which another has meanwhile.
        away = np.flatnonzero((matched < 0) & (last >= 0))
        back = distance[:, away, last[away]]
        nothing_new = np.isnan(free).all(axis=(1, 2)) & np.isnan(back).all(axis=1)
        other = np.flatnonzero(np.isnan(kept).any(axis=1) | ~nothing_new)
        frames = int(other[0]) if len(other) else len(distance)
        self.matches += frames * len(rows)
        self.distance += float(kept[:frames].sum())
        self.false_negatives += frames * (len(matched) - len(rows))
        self.false_positives += frames * (distance.shape[2] - len(rows))
        return frames


def keep_matches(last: Sequence[int | None], tracks: Sequence[int], distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Match each animal with its `last` track, where that is there, near enough, and no earlier animal's."""
    matched = np.full(len(last), -1, np.int64)
    for row, column in enumerate(find_columns(last, tracks)):
        if column >= 0 and column not in matched and not np.isnan(distance[row, column]):
            matched[row] = column
    return matched


def find_columns(last: Sequence[int | None], tracks: Sequence[int]) -> NDArray[np.int64]:
    """Position in `tracks` of each `last` track, -1 where it is not there."""
    return np.array([tracks.index(track) if track in tracks else -1 for track in last], np.int64)
