"""Links that a person should look at, as `track` lists them."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poseflow.report.grid import Grid, count, number

MOST_LISTED = 20


@dataclass(frozen=True)
class ListedItem:
    """One line of a recording's review list."""

    frame_idx: int
    kind: str
    expected_errors: float
    """Number of wrong animal-frames."""


def read_review_items(paths: Iterable[Path]) -> dict[str, list[ListedItem]]:
    """The review items of each video, from review lists (`results/review/*.csv`), the worst first."""
    items: dict[str, list[ListedItem]] = defaultdict(list)
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                item = ListedItem(int(row["frame_idx"]), row["kind"], float(row["expected_errors"]))
                items[row["video"]].append(item)
    return dict(items)


def tabulate_review_items(items: Mapping[str, Sequence[ListedItem]], frames: Mapping[str, int]) -> Grid | None:
    """One row per video, the one with the most expected errors first; None without any item."""
    ranked = sorted((video for video in items if items[video]), key=lambda video: -_worst(items[video]))
    rows = []
    for video in ranked[:MOST_LISTED]:
        kinds = [item.kind for item in items[video]]
        share = len(kinds) / frames[video] * 100_000 if frames.get(video) else None
        words = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds), key=kinds.count, reverse=True))
        rows.append([video, count(len(kinds)), number(share, 1), number(_worst(items[video]), 0), words])
    if not rows:
        return None
    caption = (
        "Where animals may be mistaken from a frame on: so often a person has to look to proofread a recording. "
        "How many animal-frames are likely wrong is said of the worst item alone: items are not added up. "
        "The same links, the worst first, are suggestions in results/review/*.slp; what is corrected there, saved "
        "into the folder of corrections, is followed by the next run."
    )
    if len(ranked) > MOST_LISTED:
        caption += f" The {MOST_LISTED} worst of {len(ranked):,} videos."
    columns = ["video", "#links to review", "#per 100,000 frames", "#expected wrong at the worst", "kinds"]
    return Grid(columns, rows, caption)


def _worst(items: Sequence[ListedItem]) -> float:
    return max(item.expected_errors for item in items)
