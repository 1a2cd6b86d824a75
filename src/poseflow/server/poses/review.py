"""Review items of a recording: the list that `track` wrote, and which of them somebody has answered."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poseflow.corrections import AnyClaim, place_of
from poseflow.server.messages.poses import Review, ReviewItem
from poseflow.server.project import Project, stamp_of

NEAR_FRAMES = 25
"""A claim so near to an item is an answer to it."""
ITEM_S = 8.0
"""What looking at an item takes, until somebody's own times are known."""
PERSONAL = ("orphan", "superseded")
"""Kinds of items that are claims which do not hold."""


def read_review(project: Project, recording: str, standing: Sequence[AnyClaim]) -> Review:
    """The review items of a recording.

    Args:
        standing: claims that hold.
    """
    path = project.places.review_list(recording)
    rows = project.kept.find(path, "items", read_rows) or []
    stamp = stamp_of(path)
    made_at = stamp[0] / 1e9 if stamp else 0.0
    answers = _find_answers(standing, made_at)
    items = [_describe(row, answers) for row in rows]
    total = sum(item.expected_errors for item in items)
    left = [item for item in items if item.state == "open"]
    return Review(
        recording=recording,
        made=f"{stamp[0]:x}" if stamp else None,
        items=items,
        expected_errors=sum(item.expected_errors for item in left),
        total_expected_errors=total,
        cost_s=ITEM_S * len(left),
    )


def _find_answers(standing: Sequence[AnyClaim], made_at: float) -> dict[str, list[tuple[int, AnyClaim]]]:
    """Claims by video that are later than the list, and those that say that a frame was looked at, whenever."""
    found: dict[str, list[tuple[int, AnyClaim]]] = {}
    for claim in standing:
        place = place_of(claim)
        if place is not None and (claim.time.timestamp() > made_at or claim.kind == "reviewed"):
            found.setdefault(place[0], []).append((place[1], claim))
    return found


def _describe(row: dict[str, Any], answers: dict[str, list[tuple[int, AnyClaim]]]) -> ReviewItem:
    own = answers.get(row["video"], [])
    if row["kind"] in PERSONAL:
        near = [one for one in own if one[0] == row["frame"] and one[1].id != row["claim"]]
    else:
        near = [one for one in own if abs(one[0] - row["frame"]) <= NEAR_FRAMES]
    answer = max((claim for _, claim in near), key=lambda claim: claim.time, default=None)
    return ReviewItem(
        **row, state="open" if answer is None else "answered", answered_by=answer.author if answer else None
    )


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of the list; what another program has made of one that cannot be read is left out."""
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            try:
                found.append(_parse(number, row))
            except (KeyError, ValueError, TypeError, IndexError):
                continue
    return found


def _parse(number: int, row: dict[str, str]) -> dict[str, Any]:
    kind, note = row["kind"], row.get("note") or ""
    tracks = [int(text) for text in row["tracks"].split()]
    claim = note.split()[1] if kind in PERSONAL else None
    return {
        "id": f"{row['video']}:{row['frame_idx']}:{kind}:{claim or '-'.join(map(str, tracks))}",
        "rank": number,
        "video": row["video"],
        "frame": int(row["frame_idx"]),
        "time_s": float(row["time_s"]) if row["time_s"] else None,
        "kind": kind,
        "tracks": tracks,
        "identities": [name or None for name in row["identities"].split(" ")] if row["identities"] else [],
        "confidence": float(row["confidence"]) if row["confidence"] else None,
        "frames_affected": int(row["frames_affected"] or 0),
        "expected_errors": float(row["expected_errors"] or 0),
        "note": note,
        "claim": claim,
    }
