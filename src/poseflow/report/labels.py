"""What the networks learn from and what they are tested on."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from poseflow.core.skeleton import Skeleton
from poseflow.labels import read_package

SIDES = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class LabelCounts:
    """Labeled frames of one video in each part of the dataset; `video` is empty for all together."""

    video: str
    frames: dict[str, int]
    animals: dict[str, int]


@dataclass(frozen=True)
class DatasetStory:
    """The dataset: rows by video, and their sum."""

    rows: list[LabelCounts]
    total: LabelCounts
    skeleton: Skeleton


def read_dataset_story(folder: Path) -> DatasetStory:
    """Count frames and animals of the three packages in a dataset's folder; reads no image.

    Raises: LabelsError for a package that is damaged.
    """
    frames: Counter[tuple[str, str]] = Counter()
    animals: Counter[tuple[str, str]] = Counter()
    for side in SIDES:
        package = read_package(folder / f"{side}.pkg.slp")
        skeleton = package.skeleton
        for frame in package.frames:
            frames[frame.video, side] += 1
            animals[frame.video, side] += len(frame.points)
        package.close()
    videos = sorted({video for video, _ in frames})
    rows = [_count(video, [video], frames, animals) for video in videos]
    return DatasetStory(rows, _count("", videos, frames, animals), skeleton)


def _count(name: str, videos: list[str], frames: Counter, animals: Counter) -> LabelCounts:
    return LabelCounts(
        name,
        {side: sum(frames[video, side] for video in videos) for side in SIDES},
        {side: sum(animals[video, side] for video in videos) for side in SIDES},
    )
