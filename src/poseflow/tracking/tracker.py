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
from poseflow.tracking.identity.given_names import Bearers, Saying
from poseflow.tracking.identity.per_frame import NAMINGS
from poseflow.tracking.identity.per_tracklet import Tracklets, name_tracklets
from poseflow.tracking.linking.features import describe_candidates
from poseflow.tracking.linking.linker import Linked, Linker
from poseflow.tracking.linking.selection import select_instances
from poseflow.tracking.review.items import NEAR_FRAMES, Moment, find_moments_of_names, find_moments_of_tracks

logger = logging.getLogger(__name__)

BLOCK_ROWS = 2048
"""Instances whose pairs are compared in one go: enough for NumPy, few enough for the processor's cache."""


@dataclass(frozen=True)
class Statements:
    """What a person says about instances: from that frame on this is that animal."""

    tracks: dict[int, dict[int, int | None]] = field(default_factory=dict)
    """Frame → {row: track}; None where a name is said, and no track"""
    names: dict[int, str] = field(default_factory=dict)
    """Row → name"""
    seen: set[int] = field(default_factory=set)
    """Frames of moments at which a person has looked and found all right."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is known once all frames have been seen."""

    track: NDArray[np.int32]
    """The final number of each track."""
    code: NDArray[np.int16]
    """Mode `both`: the name of each tracklet, -1 for none."""
    score: NDArray[np.float32]
    """And its probability, NaN for none."""
    moments: list[Moment]
    """Moments of doubt, the likely damage greatest first."""
    by_tracklet: bool
    bearers: Bearers | None = None
    """Mode `motion`: who bears the names that a person gave."""

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
        statements: rows and frames are those of the blocks.
    """

    def __init__(self, config: TrackingConfig, statements: Statements | None = None) -> None:
        self._config, self._statements = config, statements or Statements()
        self._linker = Linker(config, self._statements.tracks)
        self._evidence: Evidence | None = None
        self._class_names: tuple[str, ...] = ()
        self._sayings: list[Saying] = []
        self._unheard = {row for rows in self._statements.tracks.values() for row in rows}

    @property
    def identity_names(self) -> tuple[str, ...]:
        """Names that tracks can bear, as far as blocks were seen; in mode `motion`, those that a person gave."""
        if self._config.mode != "motion":
            return self._class_names
        return tuple(dict.fromkeys(saying.name for saying in self._sayings))

    def follow(self, block: Predictions) -> Iterator[Tracks]:
        """Link the instances of the next frames, as far as is known while later ones are not (`Outcome.complete`).

        Raises ConfigError as `link_tracks`.
        """
        _check_lags(block, self._config)
        if len(block):
            self._class_names = block.class_names
            self._suit(len(block.skeleton.nodes))
        for part in _cut_at_frames(block):
            rows = select_instances(part, self._config)
            found = self._linker.link(describe_candidates(part, rows, self._config))
            kept = found.row - part.first_row
            code, score = NAMINGS[self._config.mode](self._with_statements(part), kept, self._config)
            if self._config.mode == "both":
                self._look(part, kept, found.tracklet)
            self._listen(found)
            yield Tracks(found.row, found.frame_idx, found.tracklet, found.track, code, score, self._class_names)

    def _suit(self, nodes: int) -> None:
        """Suit the settings to the skeleton: animals of one point have nothing but their places to be compared."""
        wanted = self._config.min_points
        if nodes == 1:
            changed = {"similarity": "centroid", "min_points": 1}
        elif wanted > nodes:
            raise ConfigError(f"tracking.min_points must be at most the number of nodes, {nodes}, got {wanted}")
        else:
            return
        if self._config.similarity != "centroid" or wanted != 1:
            self._config = self._config.model_copy(update=changed)
            self._linker = Linker(self._config, self._statements.tracks)

    def _listen(self, found: Linked) -> None:
        """Note which tracks a person gave names, and which instances that were spoken of are tracked."""
        if not self._unheard:
            return
        for place in np.flatnonzero(np.isin(found.row, list(self._unheard))):
            row = int(found.row[place])
            self._unheard.remove(row)
            if row in self._statements.names:
                name = self._statements.names[row]
                self._sayings.append(Saying(int(found.frame_idx[place]), int(found.track[place]), name))

    def _check_heard(self) -> None:
        """Warn of what a person said in vain."""
        if self._unheard:
            logger.warning(
                "%d corrections are about instances that are not tracked (tracking.min_points, min_instance_score, "
                "animals), and change nothing",
                len(self._unheard),
            )
        unknown = sorted({saying.name for saying in self._sayings} - set(self._class_names))
        if unknown and self._config.mode != "motion":
            logger.warning(
                "corrections name %s, and the models tell %s apart: other names cannot be given in tracking.mode %s",
                ", ".join(unknown),
                ", ".join(self._class_names) or "none",
                self._config.mode,
            )

    def finish(self) -> Outcome:
        """Name the tracklets, and say where there is doubt."""
        self._check_heard()
        doubts = [doubt for doubt in self._linker.close() if not self._is_stated(doubt.frame)]
        finals = self._linker.finals()
        if self._config.mode != "both":
            moments = self._unseen(find_moments_of_tracks(doubts, self._linker.rows()))
            bearers = Bearers(self._sayings, finals) if self._config.mode == "motion" else None
            return Outcome(finals, np.empty(0, np.int16), np.empty(0, np.float32), moments, False, bearers)
        evidence, links = self._evidence or Evidence(0, self._config), self._linker.links
        before = np.array(links.before, np.int64)
        tracklets = Tracklets(evidence.first, evidence.last, evidence.logs, before, np.array(links.sure, np.float64))
        code, probable = name_tracklets(tracklets)
        track = finals[np.array(links.track, np.int64)]
        moments = self._unseen(
            find_moments_of_names(evidence.first, evidence.frames, before, track, code, probable, doubts)
        )
        code = np.where(probable >= self._config.naming.min_probability, code, np.int16(-1))
        score = np.where(code >= 0, probable, np.nan).astype(np.float32)
        return Outcome(finals, code, score, moments, by_tracklet=True)

    def _unseen(self, moments: list[Moment]) -> list[Moment]:
        """Moments without those that a person has found right."""
        seen = self._statements.seen
        return [moment for moment in moments if all(abs(moment.frame - frame) > NEAR_FRAMES for frame in seen)]

    def _is_stated(self, frame: int) -> bool:
        """Whether a person has looked there."""
        return any(abs(frame - stated) <= NEAR_FRAMES for stated in self._statements.tracks)

    def _stated(self, part: Predictions) -> NDArray[np.int16]:
        """Names that a person gave rows of a block, -1 for none."""
        stated = np.full(len(part), -1, np.int16)
        for row, name in self._statements.names.items():
            place = row - part.first_row
            if 0 <= place < len(part) and name in part.class_names:
                stated[place] = part.class_names.index(name)
        return stated

    def _with_statements(self, part: Predictions) -> Predictions:
        """The block with all probability on the names that a person gave."""
        if not self._statements.names or not part.class_names:
            return part
        stated = self._stated(part)
        certain = np.eye(len(part.class_names), dtype=np.float32)[stated]
        return replace(part, class_scores=np.where(stated[:, None] >= 0, certain, part.class_scores))

    def _look(self, part: Predictions, rows: NDArray[np.int64], tracklet: NDArray[np.int32]) -> None:
        self._evidence = self._evidence or Evidence(len(part.class_names), self._config)
        self._evidence.add(tracklet, part.frame_idx[rows], part.class_scores[rows], self._stated(part)[rows])


def _check_lags(predictions: Predictions, config: TrackingConfig) -> None:
    if config.candidates == "flow" and predictions.lags < config.window_frames:
        raise ConfigError(
            f"tracking.window_frames must be at most predict.flow.window_frames, which was {predictions.lags} when the "
            f"predictions were made, got {config.window_frames}; or set tracking.candidates to 'window'"
        )


def _cut_at_frames(predictions: Predictions) -> Iterator[Predictions]:
    """Blocks of about BLOCK_ROWS rows that hold whole frames."""
    begin, n = 0, len(predictions)
    while begin < n:
        last_frame = predictions.frame_idx[min(begin + BLOCK_ROWS, n) - 1]
        stop = int(np.searchsorted(predictions.frame_idx, last_frame, "right"))
        rows = vars(predictions.take(slice(begin, stop)))
        yield replace(predictions, **rows, first_row=predictions.first_row + begin)
        begin = stop
