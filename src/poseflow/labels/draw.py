"""Fewer labels: so many frames of a training set, drawn at random."""

import random
from pathlib import Path

from poseflow.config import LabelsConfig
from poseflow.core.errors import LabelsError
from poseflow.core.wording import count_of
from poseflow.labels.package import keeps_hidden, write_package
from poseflow.labels.reading import read_labels
from poseflow.labels.split import part_of


def draw_frames(package: Path, count: int, seed: int, out: Path, channels: int = 1) -> None:
    """Write `count` frames of a training set as another; of one seed, fewer frames are some of the more.

    Args:
        package: of `write_package`.
        channels: of the images; see `write_package`.

    Raises: LabelsError for a damaged package, or one with fewer frames.
    """
    labels = read_labels([package], LabelsConfig(keep_hidden=keeps_hidden(package)))
    have = len(labels.labeled_frames)
    if count > have:
        raise LabelsError(f"{package} must have {count_of(count, 'frame')} to choose from, got {have}")
    order = list(range(have))
    random.Random(seed).shuffle(order)
    chosen = (labels.labeled_frames[place] for place in sorted(order[:count]))
    write_package(part_of(labels, chosen), out, channels)
