"""Follow the animals of a recording through its tables, and name them: first rows as they come, then what they mean."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.core.errors import ConfigError
from poseflow.tables import Predictions, Tracks
from poseflow.tracking.identity.evidence import Evidence
from poseflow.tracking.identity.given_names import Bearers, GivenName
from poseflow.tracking.identity.per_frame import NAMINGS
from poseflow.tracking.identity.per_tracklet import Tracklets, name_tracklets
from poseflow.tracking.linking.features import describe_candidates
from poseflow.tracking.linking.linker import Linked, Linker, TrackOf
from poseflow.tracking.linking.selection import select_instances
from poseflow.tracking.review.items import NEAR_FRAMES, ReviewItem, find_items_of_names, find_items_of_tracks

logger = logging.getLogger(__name__)

BLOCK_ROWS = 2048
"""Instances whose pairs are compared in one go: enough for NumPy, few enough for the processor's cache."""


@dataclass(frozen=True)
class Corrections:
    """What a person corrected: from that frame on this instance is that animal."""

    tracks: dict[int, dict[int, int | TrackOf | None]] = field(default_factory=dict)
    """Frame → {row: track}; None where a name is given, and no track"""
    names: dict[int, str] = field(default_factory=dict)
    """Row → name"""
    kept: frozenset[int] = frozenset()
    """Rows that are animals, whatever their scores."""
    removed: frozenset[int] = frozenset()
    """Rows that are no animals."""
    reviewed: set[int] = field(default_factory=set)
    """Frames of review items that a person has found right."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is known once all frames have been seen."""

    track: NDArray[np.int32]
    """The final number of each track."""
    code: NDArray[np.int16]
    """With names per tracklet: the name of each, -1 for none."""
    score: NDArray[np.float32]
    """And its probability, NaN for none."""
    review_items: list[ReviewItem]
    """The most expected errors first."""
    by_tracklet: bool
    bearers: Bearers | None = None
    """With `identity: none`: who bears the names that a person gave."""
    untracked: frozenset[int] = frozenset()
    """Corrected rows that got no track."""

    def complete(self, part: Tracks) -> Tracks:
        """Rows of `Tracker.follow` as they are in the end."""
        part = replace(part, track=self.track[part.track])
        if self.bearers:
            return self.bearers.name(part)
        if not self.by_tracklet:
            return part
        return replace(part, identity_code=self.code[part.tracklet], identity_score=self.score[part.tracklet])


class Tracker:
    """Follows animals block by block; what it keeps grows by some bytes per tracklet only.

    Args:
        corrections: rows and frames are those of the blocks.
    """

    def __init__(self, config: TrackingConfig, corrections: Corrections | None = None) -> None:
        self._config, self._corrections = config, corrections or Corrections()
        self._linker = Linker(config, self._corrections.tracks)
        self._evidence: Evidence | None = None
        self._class_names: tuple[str, ...] = ()
        self._given_names: list[GivenName] = []
        self._kept = np.array(sorted(self._corrections.kept), np.int64)
        self._removed = np.array(sorted(self._corrections.removed), np.int64)
        self._pending = {row for rows in self._corrections.tracks.values() for row in rows} | self._corrections.kept
        self._corrected_rows = np.array(sorted(self._pending), np.int64)
        self._named_rows = np.array(sorted(self._corrections.names), np.int64)
        self._corrected_frames = np.array(sorted(self._corrections.tracks), np.int64)
        self._reviewed_frames = np.array(sorted(self._corrections.reviewed), np.int64)

    @property
    def identity_names(self) -> tuple[str, ...]:
        """Names that tracks can bear, as far as blocks were seen; with `identity: none`, those that a person gave."""
        if self._config.identity != "none":
            return self._class_names
        return tuple(dict.fromkeys(given.name for given in self._given_names))

    def follow(self, block: Predictions) -> Iterator[Tracks]:
        """Link the instances of the next frames, as far as is known while later ones are not (`Outcome.complete`).

        Raises ConfigError as `link_tracks`.
        """
        _check_lags(block, self._config)
        block = _with_names(block, self._config)
        if len(block):
            self._class_names = block.class_names
            self._suit(len(block.skeleton.nodes))
        for part in _cut_at_frames(block):
            rows = select_instances(part, self._config, self._kept, self._removed)
            linked = self._linker.link(describe_candidates(part, rows, self._config))
            kept = linked.row - part.first_row
            code, score = NAMINGS[self._config.identity](self._with_corrections(part), kept, self._config)
            if self._config.identity == "per_tracklet":
                self._add_evidence(part, kept, linked.tracklet)
            self._note_corrections(linked)
            yield Tracks(linked.row, linked.frame_idx, linked.tracklet, linked.track, code, score, self._class_names)

    def _suit(self, nodes: int) -> None:
        """Suit the settings to the skeleton: animals of one point have nothing but their positions to be compared."""
        wanted = self._config.min_points
        if nodes == 1:
            changed = {"similarity": "centroid", "min_points": 1}
        elif wanted > nodes:
            raise ConfigError(f"tracking.min_points must be at most the number of nodes, {nodes}, got {wanted}")
        else:
            return
        if self._config.similarity != "centroid" or wanted != 1:
            self._config = self._config.model_copy(update=changed)
            self._linker = Linker(self._config, self._corrections.tracks)

    def _note_corrections(self, linked: Linked) -> None:
        """Note which tracks a person gave names, and which corrected instances are tracked."""
        if not self._pending or not len(linked.row):
            return
        begin, stop = np.searchsorted(self._corrected_rows, [linked.row.min(), linked.row.max() + 1])
        for position in np.flatnonzero(np.isin(linked.row, self._corrected_rows[begin:stop])):
            row = int(linked.row[position])
            self._pending.discard(row)
            if row in self._corrections.names:
                name = self._corrections.names[row]
                self._given_names.append(GivenName(int(linked.frame_idx[position]), int(linked.track[position]), name))

    def _warn_of_unused(self) -> None:
        """Warn of corrections that change nothing."""
        if self._pending:
            logger.warning(
                "%d corrections are about instances that are not tracked (tracking.min_points, min_instance_score, "
                "animals), and change nothing",
                len(self._pending),
            )
        unknown = sorted({given.name for given in self._given_names} - set(self._class_names))
        if unknown and self._config.identity != "none":
            logger.warning(
                "corrections name %s, and the models tell %s apart: tracking.identity %s gives no other names",
                ", ".join(unknown),
                ", ".join(self._class_names) or "none",
                self._config.identity,
            )

    def forget_reviews(self) -> None:
        """Drop what only `finish` asks for: who never calls it, as live, keeps the open tracks and no more."""
        self._linker.log.forget(self._linker.open_tracks)

    def finish(self) -> Outcome:
        """Name the tracklets, and list what is to be reviewed."""
        self._warn_of_unused()
        ambiguous = [link for link in self._linker.close() if not self._is_corrected(link.frame)]
        finals = self._linker.finals()
        if self._config.identity != "per_tracklet":
            items = self._unreviewed(find_items_of_tracks(ambiguous, self._linker.rows()))
            bearers = Bearers(self._given_names, finals) if self._config.identity == "none" else None
            nothing = np.empty(0, np.int16), np.empty(0, np.float32)
            return Outcome(finals, *nothing, items, False, bearers, frozenset(self._pending))
        evidence, links = self._evidence or Evidence(0, self._config), self._linker.links
        before = np.array(links.before, np.int64)
        tracklets = Tracklets(
            evidence.first, evidence.last, evidence.logs, before, np.array(links.confidence, np.float64)
        )
        code, probable = name_tracklets(tracklets)
        track = finals[np.array(links.track, np.int64)]
        items = self._unreviewed(
            find_items_of_names(evidence.first, evidence.frames, before, track, code, probable, ambiguous)
        )
        code = np.where(probable >= self._config.naming.min_probability, code, np.int16(-1))
        score = np.where(code >= 0, probable, np.nan).astype(np.float32)
        return Outcome(finals, code, score, items, by_tracklet=True, untracked=frozenset(self._pending))

    def _unreviewed(self, items: list[ReviewItem]) -> list[ReviewItem]:
        """Those that no person has found right."""
        return [item for item in items if not _is_near(item.frame, self._reviewed_frames)]

    def _is_corrected(self, frame: int) -> bool:
        """Whether a person has corrected something there."""
        return _is_near(frame, self._corrected_frames)

    def _corrected_codes(self, part: Predictions) -> NDArray[np.int16]:
        """Names that a person gave rows of a block, -1 for none."""
        codes = np.full(len(part), -1, np.int16)
        begin, stop = np.searchsorted(self._named_rows, [part.first_row, part.first_row + len(part)])
        for row in self._named_rows[begin:stop].tolist():
            name = self._corrections.names[row]
            if name in part.class_names:
                codes[row - part.first_row] = part.class_names.index(name)
        return codes

    def _with_corrections(self, part: Predictions) -> Predictions:
        """The block with all probability on the names that a person gave."""
        if not self._corrections.names or not part.class_names:
            return part
        codes = self._corrected_codes(part)
        certain = np.eye(len(part.class_names), dtype=np.float32)[codes]
        return replace(part, class_scores=np.where(codes[:, None] >= 0, certain, part.class_scores))

    def _add_evidence(self, part: Predictions, rows: NDArray[np.int64], tracklet: NDArray[np.int32]) -> None:
        self._evidence = self._evidence or Evidence(len(part.class_names), self._config)
        self._evidence.add(tracklet, part.frame_idx[rows], part.class_scores[rows], self._corrected_codes(part)[rows])


def _is_near(frame: int, frames: NDArray[np.int64]) -> bool:
    """Whether a frame is as near as items of one place to any of some ascending frames."""
    begin, stop = np.searchsorted(frames, [frame - NEAR_FRAMES, frame + NEAR_FRAMES + 1])
    return bool(stop > begin)


def _check_lags(predictions: Predictions, config: TrackingConfig) -> None:
    if config.candidates == "flow" and predictions.lags < config.window_frames:
        raise ConfigError(
            f"tracking.window_frames must be at most predict.flow.window_frames, which was {predictions.lags} when the "
            f"predictions were made, got {config.window_frames}; or set tracking.candidates to 'window'"
        )


def _with_names(block: Predictions, config: TrackingConfig) -> Predictions:
    """A block in which nobody looks like an animal that is not there; raises ConfigError for an unknown name."""
    if config.names is None or config.identity == "none" or not block.class_names:
        return block
    if unknown := [name for name in config.names if name not in block.class_names]:
        known = ", ".join(block.class_names)
        raise ConfigError(f"names must be of those that the models tell apart ({known}), got {', '.join(unknown)}")
    places = [place for place, name in enumerate(block.class_names) if name in config.names]
    names = tuple(block.class_names[place] for place in places)
    return replace(block, class_names=names, class_scores=block.class_scores[:, places])


def _cut_at_frames(predictions: Predictions) -> Iterator[Predictions]:
    """Blocks of about BLOCK_ROWS rows that hold whole frames."""
    begin, n = 0, len(predictions)
    while begin < n:
        last_frame = predictions.frame_idx[min(begin + BLOCK_ROWS, n) - 1]
        stop = int(np.searchsorted(predictions.frame_idx, last_frame, "right"))
        rows = vars(predictions.take(slice(begin, stop)))
        yield replace(predictions, **rows, first_row=predictions.first_row + begin)
        begin = stop
