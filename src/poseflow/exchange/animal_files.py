"""A file for each animal of a recording, named after it."""

import re
from collections.abc import Sequence

NAME_LETTERS = 60


def name_files(video: str, animals: Sequence[str], suffix: str) -> list[str]:
    """File names of a video's animals, which no file system mistakes for one another or for a path.

    Example:
        >>> name_files("cage", ["Ann", "ann", "a/b"], ".nwb")
        ['cage_Ann.nwb', 'cage_ann_2.nwb', 'cage_a_b.nwb']
    """
    taken: dict[str, str] = {}
    for animal in animals:
        stem = re.sub(r"[^\w.-]+", "_", f"{video}_{animal}")[:NAME_LETTERS].strip("._")
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken[name.casefold()] = name
    return [f"{name}{suffix}" for name in taken.values()]
