"""What in a run needs a person's look."""

from collections.abc import Sequence

from poseflow.report.accuracy import AccuracyStory
from poseflow.report.recordings import Recording

MAX_LISTED = 12
MANY_TRACKS = 3
"""So many times the animals in view are many tracks."""


def list_concerns(recordings: Sequence[Recording], accuracy: AccuracyStory | None) -> list[str]:
    """Say in words what is wrong or doubtful, the worst first; recordings beyond MAX_LISTED are counted only."""
    unreadable = [r for r in recordings if not r.index.is_ok]
    faulty = [r for r in recordings if r.index.is_ok and r.problems]
    broken = [r for r in recordings if r.timeline and r.timeline.tracks > MANY_TRACKS * max(r.timeline.usual, 1)]
    sentences = [f"{r.video}: {'; '.join(r.problems)}." for r in (*unreadable, *faulty)]
    sentences += [
        f"{r.video}: tracks are broken up: {r.timeline.tracks:,}, with {r.timeline.usual} in view at a time."
        for r in broken
        if r.timeline
    ]
    if len(sentences) > MAX_LISTED:
        sentences = [*sentences[:MAX_LISTED], f"And {len(sentences) - MAX_LISTED:,} more: see the table of recordings."]
    sentences += accuracy.concerns if accuracy else []
    return sentences
