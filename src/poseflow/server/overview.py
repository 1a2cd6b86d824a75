"""The list of recordings: a row each, from small files and footers alone, and in time for thousands of them."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from poseflow.core.errors import VideoError
from poseflow.core.wording import count_of
from poseflow.corrections import AnyClaim, find_standing, read_log
from poseflow.media import read_index
from poseflow.runs.plan import Plan
from poseflow.runs.status import Status, find_status
from poseflow.server.claims import ClaimsBook
from poseflow.server.events import Hub
from poseflow.server.messages.claims import RecordingsEvent
from poseflow.server.messages.recordings import RecordingList, RecordingRow, State
from poseflow.server.poses.review import read_review, read_rows
from poseflow.server.project import Project, stamp_of

AT_ONCE_S = 0.5
"""So long figures are read before the list is given; the rest comes in the background."""
STATUS_S, REST = 5.0, 20.0
"""How things stand is looked up at most so often, and at most in so small a part of the time (1 in 20)."""
MOST_COUNTED = 1 << 24
"""Bytes of a log of claims that are counted for the list."""
ORDER: dict[State, int] = {"failed": 0, "quarantined": 1, "running": 2, "waiting": 3, "done": 4}


@dataclass(frozen=True)
class _IndexFigures:
    frames: int
    duration_s: float | None
    is_ok: bool
    reason: str | None


@dataclass(frozen=True)
class _ReviewFigures:
    items: int
    expected_errors: float


class Overview:
    """Figures of all recordings, read once as long as their files stay the same."""

    def __init__(self, project: Project, claims: ClaimsBook, hub: Hub) -> None:
        self._project, self._claims, self._hub = project, claims, hub
        self._lock = threading.Lock()
        self._status: Status | None = None
        self._status_due = 0.0
        self._status_lock = threading.Lock()
        self._is_reading = False

    def status(self, patience: bool = True) -> Status | None:
        """How things stand, not much older than it takes to find out.

        Args:
            patience: wait for it; else what was known last comes at once, None at first, and it is looked anew behind.
        """
        if time.monotonic() < self._status_due:
            return self._status
        if not patience:
            self._read_on()
            return self._status
        with self._status_lock:
            begin = time.monotonic()
            if begin >= self._status_due:
                self._status = find_status(self._project.plan(), self._project.places, time.time())
                now = time.monotonic()
                self._status_due = now + max(STATUS_S, REST * (now - begin))
        return self._status

    def forget_status(self) -> None:
        """Look anew the next time."""
        self._status_due = 0.0

    def list_recordings(self) -> RecordingList:
        """All recordings, those first that need a person most."""
        plan = self._project.plan()
        end = time.monotonic() + AT_ONCE_S
        files = self._project.corrections()
        failed = self._failures()
        rows, complete = [], True
        for name, videos in plan.recordings.items():
            is_late = time.monotonic() > end
            row, is_whole = self._describe(plan, name, list(videos), files.get(name, []), failed, is_late)
            complete &= is_whole
            rows.append(row)
        if not complete or failed is None:
            complete = False
            self._read_on()
        rows.sort(key=lambda row: (ORDER[row.state], -(row.expected_errors or 0), row.name))
        return RecordingList(recordings=rows, complete=complete, warnings=list(plan.warnings))

    def state_of(self, recording: str) -> tuple[State, str | None]:
        """How far one recording is, and why no further."""
        plan = self._project.plan()
        row, _ = self._describe(plan, recording, list(plan.recordings[recording]), [], self._failures(), False)
        return row.state, row.reason

    def _failures(self) -> dict[str, tuple[State, str | None]] | None:
        status = self.status(patience=False)
        if status is None:
            return None
        found: dict[str, tuple[State, str | None]] = dict.fromkeys(status.running, ("running", None))
        for one in status.failed:
            found[one.video] = ("failed", f"{one.rule}: {one.reason}")
        return found

    def _read_on(self) -> None:
        with self._lock:
            if self._is_reading:
                return
            self._is_reading = True
        threading.Thread(target=self._read_all, name="overview", daemon=True).start()

    def _read_all(self) -> None:
        try:
            self.status()
            plan = self._project.plan()
            files = self._project.corrections()
            for name, videos in plan.recordings.items():
                self._describe(plan, name, list(videos), files.get(name, []), {}, False)
        finally:
            with self._lock:
                self._is_reading = False
            self._hub.publish(RecordingsEvent())

    def _describe(
        self,
        plan: Plan,
        name: str,
        videos: list[str],
        files: Sequence[Path],
        failed: dict[str, tuple[State, str | None]] | None,
        is_late: bool,
    ) -> tuple[RecordingRow, bool]:
        kept, places = self._project.kept, self._project.places
        tables = {video: places.pose_table(name, video) for video in videos}
        wanted = [
            *((places.index(video), "figures") for video in videos),
            *((path, "rows") for path in tables.values()),
            (places.review_list(name), "figures"),
            *((path, "claims") for path in files),
        ]
        facts = [plan.facts[video] for video in videos if video in plan.facts]
        start = next((one.start.isoformat() for one in facts if one.start), None)
        group = dict(facts[0].columns) if facts else {}
        base = {"name": name, "videos": videos, "start": start, "group": group}
        is_known = not is_late or all(kept.knows(*one) for one in wanted)
        if not is_known:
            state, reason = _worst(failed or {}, videos)
            return RecordingRow(**base, state=state or "waiting", reason=reason, **_NOTHING), False
        indexes = [kept.find(places.index(video), "figures", _read_index) for video in videos]
        rows = [kept.find(path, "rows", _count_rows) for path in tables.values()]
        review = kept.find(places.review_list(name), "figures", _read_review)
        frames = sum(one.frames for one in indexes if one) if all(indexes) else None
        durations = [one.duration_s for one in indexes if one]
        made = [stamp[0] / 1e9 for path in tables.values() if (stamp := stamp_of(path))]
        said = [found for path in files if (found := kept.find(path, "claims", _read_claims)) is not None]
        standing = [claim for own in said for claim in own.standing]
        pending = sum(sum(one > min(made, default=0.0) for one in own.times) for own in said)
        state, reason = self._find_state(indexes, rows, failed or {}, videos)
        left = review
        if review is not None and standing:
            whole = read_review(self._project, name, standing)
            still = [item for item in whole.items if item.state == "open"]
            left = _ReviewFigures(len(still), whole.expected_errors)
        return RecordingRow(
            **base,
            state=state,
            reason=reason,
            frames=frames,
            duration_s=sum(one for one in durations if one) if durations and all(durations) else None,
            animals_per_frame=_mean(rows, frames),
            expected_errors=left.expected_errors if left else None,
            open_items=left.items if left else None,
            items=review.items if review else None,
            edits=len(standing),
            pending_edits=pending,
        ), True

    @staticmethod
    def _find_state(
        indexes: Sequence[_IndexFigures | None],
        rows: Sequence[int | None],
        failed: dict[str, tuple[State, str | None]],
        videos: Sequence[str],
    ) -> tuple[State, str | None]:
        bad = [one.reason for one in indexes if one is not None and not one.is_ok]
        if bad and len(bad) == len(videos):
            return "quarantined", bad[0]
        state, reason = _worst(failed, videos)
        if state is not None:
            return state, reason
        done = bool(rows) and all(count is not None for count in rows)
        said = f"{len(bad)} of {count_of(len(videos), 'video')} cannot be read: {bad[0]}" if bad else None
        return ("done" if done else "waiting"), said


_NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "frames",
        "duration_s",
        "animals_per_frame",
        "expected_errors",
        "open_items",
        "items",
        "edits",
        "pending_edits",
    )
)


def _worst(known: dict[str, tuple[State, str | None]], videos: Sequence[str]) -> tuple[State | None, str | None]:
    own = [known[video] for video in videos if video in known]
    return min(own, key=lambda one: ORDER[one[0]]) if own else (None, None)


def _mean(rows: Sequence[int | None], frames: int | None) -> float | None:
    known = [count for count in rows if count is not None]
    return sum(known) / frames if frames and known and len(known) == len(rows) else None


def _read_index(path: Path) -> _IndexFigures:
    try:
        index = read_index(path)
    except VideoError as error:
        return _IndexFigures(0, None, False, str(error))
    seconds = index.duration_s
    return _IndexFigures(index.frames, seconds if seconds == seconds else None, index.is_ok, index.reason)


def _count_rows(path: Path) -> int:
    try:
        with pq.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except (OSError, ValueError):  # damaged: whoever opens it is told
        return 0


def _read_review(path: Path) -> _ReviewFigures:
    items = read_rows(path)
    return _ReviewFigures(len(items), sum(one["expected_errors"] for one in items))


@dataclass(frozen=True)
class _ClaimFigures:
    times: tuple[float, ...]
    """When each claim was made, seconds since 1970."""
    standing: tuple[AnyClaim, ...]


def _read_claims(path: Path) -> _ClaimFigures:
    """Claims of a log. A file of SLEAP takes long to read: it counts as one, made when it was saved."""
    if path.suffix == ".slp" or path.stat().st_size > MOST_COUNTED:
        return _ClaimFigures((path.stat().st_mtime,), ())
    claims = read_log(path).claims
    return _ClaimFigures(tuple(claim.time.timestamp() for claim in claims), tuple(find_standing(claims)))
