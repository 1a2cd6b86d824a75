"""Names of files that tell of a recording and of its animals."""

import re
from collections.abc import Sequence

from poseflow.core.wording import tell_apart

NAME_BYTES = 100
"""Of what is told of a recording, and of an animal: so that both have room in the name of a file."""


def name_files(video: str, animals: Sequence[str], suffix: str) -> list[str]:
    """File names of a video's animals, which no file system mistakes for one another or for a path.

    Example:
        >>> name_files("cage", ["Ann", "ann", "a/b"], ".nwb")
        ['cage_Ann.nwb', 'cage_ann_2.nwb', 'cage_a_b.nwb']
    """
    stems = (f"{name_part(video)}_{name_part(animal)}".strip("._") for animal in animals)
    return [f"{name}{suffix}" for name in tell_apart(stems, key=str.casefold)]


def name_part(name: str) -> str:
    """A name as part of a file's, whatever it is: no path, nothing that a shell or a file system takes for its own.

    Example:
        >>> name_part("../cage 1"), name_part("küken 🐤")
        ('cage_1', 'küken_🐤')
    """
    plain = re.sub(r"(?:[^\w.\-\u00a1-\U0010ffff]|\s)+", "_", name)
    return plain.encode()[:NAME_BYTES].decode(errors="ignore").strip("._")
