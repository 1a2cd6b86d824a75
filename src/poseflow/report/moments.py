"""Moments to look at, as `track` lists them."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poseflow.report.grid import Grid, count, number

MOST_LISTED = 20


@dataclass(frozen=True)
class ListedMoment:
    """One line of a recording's review list."""

    frame_idx: int
    kind: str
    damage: float
    """Expected number of wrong animal-frames."""


def read_moments(paths: Iterable[Path]) -> dict[str, list[ListedMoment]]:
    """The moments of each video, from review lists (`results/review/*.csv`), the worst first."""
    found: dict[str, list[ListedMoment]] = defaultdict(list)
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                moment = ListedMoment(int(row["frame_idx"]), row["kind"], float(row["expected_wrong_frames"]))
                found[row["video"]].append(moment)
    return dict(found)


def tabulate_moments(moments: Mapping[str, Sequence[ListedMoment]], frames: Mapping[str, int]) -> Grid | None:
    """One row per video, the greatest likely damage first; None without any moment."""
    ranked = sorted((video for video in moments if moments[video]), key=lambda video: -_worst(moments[video]))
    rows = []
    for video in ranked[:MOST_LISTED]:
        own = moments[video]
        kinds = [moment.kind for moment in own]
        share = len(own) / frames[video] * 100_000 if frames.get(video) else None
        said = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds), key=kinds.count, reverse=True))
        rows.append([video, count(len(own)), number(share, 1), number(_worst(own), 0), said])
    if not rows:
        return None
    caption = (
        "Where animals may be mistaken from a frame on: so often a person has to look to proofread a recording. "
        "How many animal-frames are likely wrong is said of the worst moment alone: moments are not added up. "
        "The same moments, the worst first, are suggestions in results/review/*.slp; what is corrected there, saved "
        "into the folder of corrections, is followed by the next run."
    )
    if len(ranked) > MOST_LISTED:
        caption += f" The {MOST_LISTED} worst of {len(ranked):,} videos."
    columns = ["video", "#moments to look at", "#per 100,000 frames", "#expected wrong at the worst", "kinds"]
    return Grid(columns, rows, caption)


def _worst(moments: Sequence[ListedMoment]) -> float:
    return max(moment.damage for moment in moments)
