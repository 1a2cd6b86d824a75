"""Results of recordings that are no longer there: set aside, so that nothing counts twice, and never deleted.

A recording that is renamed is another one; the former's tables would be read beside its own. They move to
`results/orphaned/`, with all that is made of tables. Indexes and predictions stay, since nobody reads them by pattern:
where the recording comes back as it was, its tables are made anew from these, and no network runs.
"""

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from poseflow.runs.places import ANY, PLACES, Places
from poseflow.runs.recordings import Recordings

MAX_NAMED = 20


def find_orphans(found: Recordings) -> list[Path]:
    """Results that are of no recording that there is.

    Where a folder could not be looked into, what may lie in it is not called gone; nor is anything where no recording
    is found at all, as when a disk is not mounted.
    """
    paths = {name: path for path, name in found.names.items()}
    orphans = _list_orphans(PLACES, found) if found.videos else {}
    return [file for file, name in orphans.items() if not _may_be_there(paths.get(name), found.unlisted)]


def describe_orphans(orphans: Sequence[Path], found: Recordings) -> list[str]:
    """Say which recordings are gone, in a line at most; the same line before and after their results are set aside."""
    here = _list_orphans(PLACES, found) if orphans else {}
    names = {here[path] for path in orphans}
    names |= {name for folder in PLACES.orphaned.glob(ANY) for name in _list_orphans(Places(folder), found).values()}
    if not names:
        return []
    more = [f"{len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else []
    named = ", ".join([*sorted(names)[:MAX_NAMED], *more])
    return [f"no longer among the recordings: {named}; what was made of them is in {PLACES.orphaned}"]


def set_aside(orphans: Sequence[Path], now: datetime) -> None:
    """Move files to a folder of this run in results/orphaned; what lies there already stays as it is."""
    for path in orphans:
        if path.exists():
            target = PLACES.moved_to(PLACES.orphaned / f"{now:%Y-%m-%dT%H-%M-%S}", path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)
            if path.parent.parent != PLACES.results and not any(path.parent.iterdir()):
                path.parent.rmdir()


def _list_orphans(places: Places, found: Recordings) -> dict[Path, str]:
    """Files that are of no planned recording, and the name that each has."""
    recording_of = {video: recording for recording, videos in found.recordings.items() for video in videos}
    orphans = {}
    for path, suffix in _list_results(places):
        name, folder = path.name.removesuffix(suffix), path.parent
        is_planned = name in found.videos or name in found.recordings
        if folder.parent == places.all_poses or folder == places.exports(folder.parent.name, folder.name):
            is_planned = folder.name == recording_of.get(name)
        if not is_planned:
            orphans[path] = name
    return orphans


def _list_results(places: Places) -> Iterator[tuple[Path, str]]:
    """Yield the files that are named after a recording or a video, each with its suffix."""
    for pattern in (
        places.pose_table(ANY, ANY),
        places.tracks(ANY),
        places.review_list(ANY),
        places.review_labels(ANY),
        places.overlay(ANY),
        places.suggestions(ANY),
        places.tracking_metrics(ANY),
        *(places.export(folder.name, ANY, ANY) for folder in places.find(places.exports(ANY, ANY).parent)),
    ):
        for path in places.find(pattern):
            if not path.name.startswith("."):
                yield path, pattern.name.removeprefix(ANY)


def _may_be_there(path: str | None, unlisted: Sequence[Path]) -> bool:
    """Whether a recording may lie in a folder that could not be looked into; one of unknown path may lie in any."""
    return any(path is None or Path(path).is_relative_to(folder) for folder in unlisted)
