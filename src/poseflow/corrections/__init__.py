"""Corrections: what people say is true of a recording, how it is kept, and what it means for the tables there are now.

`append_claims` writes a claim, `read_claims` gives all of a recording, `find_edits` says what they mean for its
predictions; whoever shows or changes poses needs no more than these.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from poseflow.config import CLAIMS_SUFFIX
from poseflow.core.errors import LabelsError
from poseflow.corrections.apply import find_pose_edits
from poseflow.corrections.claims import (
    AbsenceClaim,
    AnimalClaim,
    AnyClaim,
    ContinuationClaim,
    NameClaim,
    PointsClaim,
    Retraction,
    ReviewedClaim,
    Sighting,
    find_standing,
    find_taken_back,
    from_points,
    place_of,
    sort_claims,
    stamp,
)
from poseflow.corrections.frames import CorrectedFrame, describe_frames, find_corrected_frames, find_sources
from poseflow.corrections.log import LogContent, append_claims, read_log, take_back
from poseflow.corrections.standing import (
    AddedAnimal,
    Edit,
    ListedClaim,
    ShownFrames,
    Standing,
    VideoEdits,
    find_edits,
    find_edits_in,
)

__all__ = [
    "AbsenceClaim",
    "AddedAnimal",
    "AnimalClaim",
    "AnyClaim",
    "ContinuationClaim",
    "CorrectedFrame",
    "Edit",
    "ListedClaim",
    "LogContent",
    "NameClaim",
    "PointsClaim",
    "Retraction",
    "ReviewedClaim",
    "ShownFrames",
    "Sighting",
    "Standing",
    "VideoEdits",
    "append_claims",
    "claims_between",
    "describe_frames",
    "find_corrected_frames",
    "find_edits",
    "find_edits_in",
    "find_pose_edits",
    "find_sources",
    "find_standing",
    "find_taken_back",
    "from_points",
    "place_of",
    "read_claims",
    "read_log",
    "stamp",
    "take_back",
]


def read_claims(paths: Iterable[str | Path], videos: Mapping[str, str]) -> LogContent:
    """Read all that people say of a recording: logs (`.jsonl`), and label files that SLEAP's GUI saved (`.slp`).

    Args:
        paths: files of the recording, in any order. videos: path of each of its videos, by name.

    Returns: the claims, and as faults lines and label files that cannot be read.
    """
    files = [Path(path) for path in paths]
    content = read_log([path for path in files if path.suffix == CLAIMS_SUFFIX])
    saved = [path for path in files if path.suffix != CLAIMS_SUFFIX]
    if not saved:
        return content
    from poseflow.corrections.sleap_files import read_slp_claims  # sleap-io takes a second to import

    found, faults = list(content.claims), list(content.faults)
    for path in saved:
        try:
            found += read_slp_claims(path, videos)
        except LabelsError as error:
            faults.append(f"{error}; it counts for nothing")
    return LogContent(sort_claims(found), faults)


def claims_between(claims: Iterable[AnyClaim], video: str, start: int, stop: int) -> list[AnyClaim]:
    """Claims that hold and are about frames `start` to `stop` (excluded) of a video, by time."""

    def is_there(claim: AnyClaim) -> bool:
        place = place_of(claim)
        if place is None or place[0] != video:
            return False
        last = claim.path[-1][0] if isinstance(claim, AbsenceClaim) and claim.path else place[1]
        return place[1] < stop and last >= start

    return [claim for claim in find_standing(claims) if is_there(claim)]
