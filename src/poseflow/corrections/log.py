"""The log of a recording's claims: a file of JSON lines to which lines are appended, and none is ever changed."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from poseflow.core.errors import ConfigError
from poseflow.core.files import flush_folder
from poseflow.core.locks import hold
from poseflow.corrections.claims import CLAIM, AnyClaim, Retraction, find_taken_back, sort_claims, stamp


@dataclass(frozen=True)
class LogContent:
    """What log files say."""

    claims: Sequence[AnyClaim]
    """By time, each once, retracted ones and retractions too."""
    faults: Sequence[str] = ()
    """Lines that are no claims: file, line, and what is wrong, in a line each. They count for nothing."""


def append_claims(path: str | Path, claims: Iterable[AnyClaim]) -> None:
    """Append claims to a recording's log, which need not be there; they are on disk when this returns.

    All are written in one go, under a lock, so that of several writers none loses a line. A line that an earlier
    writer left unfinished, killed or on a full disk, is ended first: it stays, and is told of as damaged.

    Raises: OSError where nothing, or not all of it, could be written; what was written of it is taken out again.
    """
    lines = b"".join(claim.model_dump_json().encode() + b"\n" for claim in claims)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("ab+", buffering=0) as file:
        hold(file, wait=True)
        end = file.seek(0, os.SEEK_END)
        if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
            lines = b"\n" + lines
        try:
            _write_all(file.fileno(), lines)
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise
    if is_new:
        flush_folder(path.parent)


def read_log(paths: str | Path | Iterable[str | Path]) -> LogContent:
    """Read one log, or several of one recording as one (such as copies of two machines). None need be there."""
    claims: list[AnyClaim] = []
    faults: list[str] = []
    for path in [Path(paths)] if isinstance(paths, str | Path) else map(Path, paths):
        if not path.exists():
            continue
        with path.open("rb") as file:
            hold(file, wait=True, shared=True, warn=False)  # a line that is being written is waited for
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    claims.append(CLAIM.validate_json(line))
                except ValidationError as error:
                    fault = f"must be a claim, got {say_fault(error)}"
                    faults.append(f"{path}, line {number}: {fault}; the line counts for nothing")
    return LogContent(sort_claims(claims), faults)


def take_back(path: str | Path, claims: Iterable[AnyClaim], claim_id: str, author: str | None = None) -> Retraction:
    """Append a retraction of a claim to a log; of a retraction too, and what that took back holds again.

    Args:
        path: the recording's log. claims: all that are known of the recording.
        claim_id: of the claim, or so much of its beginning that no other has it.

    Raises: ConfigError where no claim, or several, are called so, or it is taken back already.
    """
    known = {claim.id: claim for claim in claims}
    found = [claim_id] if claim_id in known else [own for own in known if own.startswith(claim_id)]
    if len(found) != 1:
        got = f"{len(found)} that begin so" if found else "none of that id"
        raise ConfigError(f"the claim to take back must be one of {path}'s recording, got {claim_id!r}, {got}")
    if found[0] in find_taken_back(known.values()):
        raise ConfigError(f"{found[0]} must be a claim that holds, got one that is taken back already")
    retraction = Retraction(**stamp(author), retracts=found[0])
    append_claims(path, [retraction])
    return retraction


def _write_all(descriptor: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.write(descriptor, content[written:])


def say_fault(error: ValidationError) -> str:
    """What is wrong with a claim, on one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where + ': ' if where else ''}{first['msg']}"
