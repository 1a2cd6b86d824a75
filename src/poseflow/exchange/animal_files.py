"""A file for each animal of a recording, named after it."""

import re
from collections.abc import Sequence

from poseflow.core.wording import tell_apart

NAME_LETTERS = 60


def name_files(video: str, animals: Sequence[str], suffix: str) -> list[str]:
    """File names of a video's animals, which no file system mistakes for one another or for a path.

    Example:
        >>> name_files("cage", ["Ann", "ann", "a/b"], ".nwb")
        ['cage_Ann.nwb', 'cage_ann_2.nwb', 'cage_a_b.nwb']
    """
    stems = (re.sub(r"[^\w.-]+", "_", f"{video}_{animal}")[:NAME_LETTERS].strip("._") for animal in animals)
    return [f"{name}{suffix}" for name in tell_apart(stems, key=str.casefold)]
