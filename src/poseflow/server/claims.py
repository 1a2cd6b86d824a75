"""What people say of recordings: kept in memory in the order in which it came, written to the log before any answer."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from poseflow.corrections import (
    AnyClaim,
    Retraction,
    append_claims,
    find_standing,
    find_taken_back,
    read_claims,
)
from poseflow.corrections.claims import new_id
from poseflow.runs.corrections import log_of
from poseflow.server.errors import RefusedError
from poseflow.server.project import Project, Stamp, stamp_of

CLOCK_S = 60.0
"""A claim whose time is further off this machine's clock gets this machine's: the later of two claims counts."""
MOST_KEPT = 64
"""Recordings whose claims are kept in memory."""
ID_TIME = 12
"""Digits of an id that tell its time, in ms: a person's claims of one action share them."""


@dataclass
class RecordingClaims:
    """All claims of a recording, in the order in which they came here."""

    claims: list[AnyClaim] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    stamps: dict[Path, Stamp | None] = field(default_factory=dict)
    faults: Sequence[str] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)
    _standing: tuple[int, Sequence[AnyClaim]] = (-1, ())

    @property
    def standing(self) -> Sequence[AnyClaim]:
        """Those that hold, by time."""
        if self._standing[0] != len(self.claims):
            self._standing = len(self.claims), find_standing(self.claims)
        return self._standing[1]

    def take(self, claims: Sequence[AnyClaim]) -> list[AnyClaim]:
        """Add those that are new; gives them."""
        new = [claim for claim in claims if claim.id not in self.ids]
        self.claims += new
        self.ids.update(claim.id for claim in new)
        return new


class ClaimsBook:
    """The claims of a project's recordings; to be used by many threads."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._epoch = secrets.token_hex(6)
        self._lock = threading.Lock()
        self._books: OrderedDict[str, RecordingClaims] = OrderedDict()

    def read(self, recording: str) -> tuple[RecordingClaims, list[AnyClaim]]:
        """What is said of a recording now, and what of it is new since this was called last."""
        book = self._book(recording)
        with book.lock:
            return book, self._look(recording, book)

    def cursor(self, book: RecordingClaims) -> str:
        """How far the claims go; what comes later is behind it."""
        return f"{self._epoch}:{len(book.claims)}"

    def since(self, book: RecordingClaims, cursor: str | None) -> list[AnyClaim]:
        """The claims behind a cursor; all where it is of another process."""
        epoch, _, count = (cursor or "").partition(":")
        begin = int(count) if epoch == self._epoch and count.isdigit() else 0
        return book.claims[begin:]

    def append(self, recording: str, claims: Sequence[AnyClaim]) -> list[AnyClaim]:
        """Write claims to the recording's log; they are on disk when this returns. Gives those that are new.

        An id that is known already is passed over: somebody sends again what a broken line had kept from answering.

        Raises: OSError where nothing could be written.
        """
        book = self._book(recording)
        with book.lock:
            self._look(recording, book)
            seen: dict[str, AnyClaim] = {}
            for claim in claims:
                if claim.id not in book.ids:
                    seen.setdefault(claim.id, _with_time(claim))
            new = list(seen.values())
            self._check(book, new)
            self._write(recording, book, new)
            return new

    def take_back(self, recording: str, author: str, wanted: str | None, again: bool) -> list[AnyClaim]:
        """Take back an author's last action that holds, or one claim; or what was last taken back, `again`.

        Returns: the retractions that were written; none where there is nothing to take back.
        """
        book = self._book(recording)
        with book.lock:
            self._look(recording, book)
            targets = _find_targets(book.claims, author, wanted, again)
            now = datetime.now(UTC)
            retractions: list[AnyClaim] = [
                Retraction(id=new_id(now), time=now, author=author, retracts=target) for target in targets
            ]
            self._write(recording, book, retractions)
            return retractions

    def _write(self, recording: str, book: RecordingClaims, claims: Sequence[AnyClaim]) -> None:
        """Append to the log, which need not be read again for it, unless somebody else has written meanwhile."""
        if not claims:
            return
        log = self._log(recording)
        before = book.stamps.get(log)
        append_claims(log, claims)
        book.take(claims)
        after = stamp_of(log)
        written = sum(len(claim.model_dump_json().encode()) + 1 for claim in claims)
        if after is not None and after[1] - (before[1] if before else 0) == written:
            book.stamps[log] = after

    def _book(self, recording: str) -> RecordingClaims:
        self._project.recording(recording)
        with self._lock:
            book = self._books.setdefault(recording, RecordingClaims())
            self._books.move_to_end(recording)
            while len(self._books) > MOST_KEPT:
                # One that is read anew has another order: so it gets another epoch for all.
                self._books.popitem(last=False)
                self._epoch = secrets.token_hex(6)
            return book

    def _log(self, recording: str) -> Path:
        return log_of(Path(self._project.config.review.corrections), recording)

    def files(self, recording: str) -> list[Path]:
        """Files that say anything of a recording."""
        return self._project.corrections().get(recording, [])

    def _look(self, recording: str, book: RecordingClaims) -> list[AnyClaim]:
        paths = self.files(recording)
        stamps = {path: stamp_of(path) for path in paths}
        if stamps == book.stamps:
            return []
        videos = {video: str(path) for video, path in self._project.plan().paths_of(recording).items()}
        content = read_claims(paths, videos)
        book.stamps, book.faults = stamps, content.faults
        return book.take(content.claims)

    @staticmethod
    def _check(book: RecordingClaims, claims: Sequence[AnyClaim]) -> None:
        known = book.ids | {claim.id for claim in claims}
        for claim in claims:
            if isinstance(claim, Retraction) and claim.retracts not in known:
                raise RefusedError(422, "invalid", f"a claim to take back must be known, got {claim.retracts!r}")


def _with_time(claim: AnyClaim) -> AnyClaim:
    now = datetime.now(UTC)
    is_near = abs(claim.time - now) < timedelta(seconds=CLOCK_S)
    return claim if is_near else claim.model_copy(update={"time": now})


def _find_targets(claims: Sequence[AnyClaim], author: str, wanted: str | None, again: bool) -> list[str]:
    """Ids of what is to be taken back: claims, or, `again`, the retractions of the author's last undo."""
    gone = find_taken_back(claims)
    if wanted is None:
        actions = _Actions(claim for claim in claims if claim.author == author)
        return actions.find_last(gone, again)
    if all(claim.id != wanted for claim in claims):
        raise RefusedError(404, "unknown", f"claim must be one of this recording, got {wanted!r}")
    retractions = [claim for claim in claims if isinstance(claim, Retraction) and claim.retracts == wanted]
    wanted_ids = [claim.id for claim in retractions] if again else [wanted]
    return [own for own in wanted_ids if own not in gone]


class _Actions:
    """A person's actions, an undo taking the last one that is done, and a redo what was undone last."""

    def __init__(self, claims: Iterable[AnyClaim]) -> None:
        self._done: list[list[str]] = []
        self._undone: list[tuple[list[str], list[str]]] = []  # claims, and what took them back
        undos: set[str] = set()
        for _, group in groupby(claims, lambda claim: (claim.id[:ID_TIME], isinstance(claim, Retraction))):
            own = list(group)
            ids = [claim.id for claim in own]
            targets = [claim.retracts for claim in own if isinstance(claim, Retraction)]
            if not targets:
                self._done.append(ids)
                self._undone.clear()
            elif targets[0] in undos:
                self._redo(targets)
            else:
                self._done = [kept for entry in self._done if (kept := [one for one in entry if one not in targets])]
                self._undone.append((targets, ids))
                undos.update(ids)

    def _redo(self, targets: Sequence[str]) -> None:
        for place, (claims, retractions) in reversed([*enumerate(self._undone)]):
            if set(retractions) & set(targets):
                del self._undone[place]
                self._done.append(claims)
                return

    def find_last(self, gone: Collection[str], again: bool) -> list[str]:
        """Ids to retract; none where nothing is left."""
        entries = [retractions for _, retractions in self._undone] if again else self._done
        held = ([one for one in entry if one not in gone] for entry in reversed(entries))
        return next(filter(None, held), [])
