"""Recordings whose every result is as it should be: the workflow need not look at them one by one.

Snakemake takes about a millisecond a job to find that nothing is to be done; for a thousand recordings of twenty shards
each, half a minute every night. A recording is settled once a run has seen all its jobs finished, and stays so as long
as the key of everything that its results depend on is the same and its files are untouched.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from poseflow.files import read_json, write_json

Stamp = list[str | list[int]]


def read_settled(store: Path) -> dict[str, Stamp]:
    """Stamps of the settled recordings, by recording; none where the store is lost: then each is looked at again."""
    try:
        settled = read_json(store)
    except (OSError, ValueError):
        return {}
    return settled if isinstance(settled, dict) else {}


def stamp(key: str, files: Sequence[str | Path]) -> Stamp | None:
    """What must stay the same: the key, and the files' times of change; None where one is not there."""
    try:
        return [key, [Path(path).stat().st_mtime_ns for path in files]]
    except OSError:
        return None


def find_unsettled(stamps: Mapping[str, Stamp | None], store: Path) -> list[str]:
    """Recordings that must be looked at."""
    settled = read_settled(store)
    return [video for video, now in stamps.items() if now is None or settled.get(video) != now]


def note_settled(stamps: Mapping[str, Stamp | None], unfinished: Iterable[str], store: Path) -> None:
    """Keep the stamps of all recordings but those with an unfinished job, or without a file that they should have."""
    left = set(unfinished)
    write_json({video: now for video, now in stamps.items() if now is not None and video not in left}, store)
