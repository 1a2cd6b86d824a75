"""What is said of a recording, beside its tables: what each view of it begins with."""

from collections.abc import Sequence
from dataclasses import dataclass

from poseflow.corrections import AbsenceClaim, AnyClaim, place_of
from poseflow.server.claims import RecordingClaims
from poseflow.server.page import Page
from poseflow.server.poses.overlay import Override, find_overrides
from poseflow.server.poses.tables import VideoTables, find_tables


@dataclass(frozen=True)
class Said:
    """What is said of a recording, beside its tables."""

    book: RecordingClaims
    cursor: str
    standing: Sequence[AnyClaim]
    tables: dict[str, VideoTables]
    overrides: Sequence[Override]

    def place(self, video: str) -> int:
        """Of a video among those of its recording."""
        return list(self.tables).index(video)


def find_said(page: Page, recording: str) -> Said:
    """All that is said of a recording now; tells the tabs of what is new."""
    book = page.tell_claims(recording)
    cursor, standing = page.claims.cursor(book), book.standing
    tables = {video: find_tables(page.project, recording, video) for video in page.project.recording(recording)}
    overrides = find_overrides(tables, standing, page.known_overrides)
    return Said(book, cursor, standing, tables, overrides)


def reach_of(claim: AnyClaim) -> tuple[str, int, int] | None:
    """Video, first frame, and the one behind the last, that a claim is about."""
    place = place_of(claim)
    if place is None:
        return None
    last = claim.path[-1][0] if isinstance(claim, AbsenceClaim) and claim.path else place[1]
    return place[0], place[1], last + 1


def is_near(claim: AnyClaim, video: str, start: int, stop: int) -> bool:
    """Whether a claim is about any of some frames of a video."""
    reach = reach_of(claim)
    return reach is not None and reach[0] == video and reach[1] < stop and reach[2] > start
