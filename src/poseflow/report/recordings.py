"""Which recordings there are, what is wrong with them, and how fast they were predicted."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poseflow.media import VideoIndex, read_index
from poseflow.report.timelines import Timeline, read_timeline
from poseflow.tables import read_pose_metadata

MAX_LISTED = 200
"""Rows of the table of recordings; beyond, only those with problems are listed."""


@dataclass(frozen=True)
class Recording:
    """One video of the run."""

    video: str
    index: VideoIndex
    timeline: Timeline | None
    """None where there is no pose table."""
    poses: Path | None
    """The pose table, where there is one."""
    speed: "Speed | None"

    @property
    def seconds(self) -> float:
        """Length; NaN where the container has no times."""
        return self.index.duration_s

    @property
    def problems(self) -> list[str]:
        """What is wrong with it, in words."""
        if not self.index.is_ok:
            return [f"could not be read: {self.index.reason}"]
        problems = list(self.index.problems)
        failed = self.timeline.failed_frames if self.timeline else len(self.index.corrupt)
        if failed:
            problems.append(f"{failed:,} of {self.index.frames:,} frames could not be decoded")
        if self.timeline and self.timeline.frames_read < self.index.frames:
            problems.append(f"only {self.timeline.frames_read:,} of {self.index.frames:,} frames were read")
        if self.timeline and self.timeline.frames_read and not self.timeline.tracks:
            problems.append("no animal was detected")
        return problems


@dataclass(frozen=True)
class Speed:
    """How long the prediction of a video's shards took, all told, from the jobs' start to their end."""

    shards: int
    frames: int
    seconds: float
    peak_mb: float

    @property
    def frames_per_s(self) -> float:
        """Frames per second of one job."""
        return self.frames / self.seconds if self.seconds else math.nan


def read_recordings(
    indexes: Sequence[Path], poses: Sequence[Path], benchmarks: Mapping[str, Sequence[Path]]
) -> list[Recording]:
    """Read what is known of each video, sorted by its id; the id is the index file's stem.

    Raises: VideoError or TableError for a damaged file.
    """
    tables = {read_pose_metadata(path)["video"]: path for path in poses}
    recordings = []
    for path in sorted(indexes, key=lambda path: path.stem):
        index = read_index(path)
        seconds = index.duration_s if math.isfinite(index.duration_s) else index.frames / (index.fps or 1)
        table = tables.get(path.stem)
        timeline = read_timeline(table, seconds) if table and index.is_ok else None
        speed = read_speed(benchmarks.get(path.stem, ()), index.frames)
        recordings.append(Recording(path.stem, index, timeline, table, speed))
    return recordings


def read_speed(benchmarks: Sequence[Path], frames: int) -> Speed | None:
    """Sum up Snakemake's benchmark files (columns `s`, and `max_rss` in MB) of a video's shards `0003-of-0020.tsv`.

    Shards are of equal length, so that some of them stand for their share of the `frames`.
    """
    used = choose_newest_cut(benchmarks)
    if not used or not frames:
        return None
    rows = [row for path in used for row in _read_rows(path)]
    share = len(used) / (_shards_of(used[0]) or len(used))
    peak = max((_number(row["max_rss"]) for row in rows), default=0.0)
    return Speed(len(used), round(frames * share), sum(_number(row["s"]) for row in rows), peak)


def choose_newest_cut(paths: Sequence[Path]) -> list[Path]:
    """Of files that jobs wrote about the shards of a video, those about the same number of shards as the newest.

    Others are left over from an earlier run.
    """
    existing = [path for path in paths if path.is_file()]
    if not existing:
        return []
    newest = _shards_of(max(existing, key=lambda path: path.stat().st_mtime_ns))
    return [path for path in existing if _shards_of(path) == newest]


def _shards_of(path: Path) -> int:
    """Number of shards of a file named like 0003-of-0020, else 0."""
    count = path.stem.partition("-of-")[2]
    return int(count) if count.isdigit() else 0


def _read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _number(text: str) -> float:
    """A field of a benchmark file; `-` or `NA` where it was not measured."""
    try:
        return float(text)
    except ValueError:
        return 0.0
