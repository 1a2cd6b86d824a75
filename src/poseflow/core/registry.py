"""Registries: the parts of one kind, by name, open to other packages by entry points."""

import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from poseflow.core.errors import ConfigError
from poseflow.core.wording import list_some

MOST_NAMES = 30  # in an error
Part = TypeVar("Part")


class Registry(Mapping[str, Part], Generic[Part]):
    """Parts by name: those that a decorator added or that stand in a room above, and those of other packages.

    A package that has in its `pyproject.toml`

        [project.entry-points."poseflow.similarities"]
        cosine = "my_package.cosine:score_cosine"

    adds `cosine` to the similarities. It is imported only when it is asked for by name. So are our own parts that stand
    in a room above the registry's, or that import much: the registry is told where they are, as an entry point is.

    Example:

        SIMILARITIES = Registry[Similarity]("similarities", "similarity")

        @SIMILARITIES.add("iou")
        def score_iou(...): ...

        BACKBONES = Registry[type[Backbone]]("backbones", "backbone", unet="poseflow.networks.backbones.unet:UNet")
    """

    def __init__(self, group: str, what: str, **ours: str) -> None:
        """Make an empty registry.

        Args:
            group: entry points of `poseflow.{group}` belong to it.
            what: what one of its parts is called in errors.
            ours: parts of poseflow by name, each as `module:object`.
        """
        self.group = f"poseflow.{group}"
        self._what = what
        self._parts: dict[str, Part] = {}
        self._ours = {name: EntryPoint(name, place, self.group) for name, place in ours.items()}

    def add(self, name: str) -> Callable[[Part], Part]:
        """Decorate a part to add it under a name; raises ValueError where the name is taken."""

        def add(part: Part) -> Part:
            if name in self._parts or name in self._ours:
                raise ValueError(f"a name of {self.group} must be given once, got {name!r} twice")
            self._parts[name] = part
            return part

        return add

    def __getitem__(self, name: str) -> Part:
        """Give a part; raises ConfigError, with the names that there are, for one that there is not."""
        if name in self._parts:
            return self._parts[name]
        point = self._ours.get(name) or self._find_outside().get(name)
        if point is None:
            raise ConfigError(self._refuse(name))
        part: Part = point.load()
        return part

    def check(self, name: str) -> str:
        """Give the name back, to check a setting (`AfterValidator`); imports nothing.

        Raises: ValueError, with the names that there are, for one that there is not.
        """
        if name not in self:
            raise ValueError(self._refuse(name))
        return name

    def __contains__(self, name: object) -> bool:
        """Whether there is a part of that name; imports nothing."""
        return name in self._parts or name in self._ours or name in self._find_outside()

    def __iter__(self) -> Iterator[str]:
        """All names, sorted; imports nothing."""
        return iter(sorted({*self._parts, *self._ours, *self._find_outside()}))

    def __len__(self) -> int:
        """How many parts there are."""
        return len(list(iter(self)))

    def _refuse(self, name: str) -> str:
        names = [*self]
        near = get_close_matches(str(name), names, n=3)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        return f"{self._what} must be one of {list_some(names, MOST_NAMES)}, got {name!r}{hint}"

    def _find_outside(self) -> dict[str, EntryPoint]:
        return _find_entry_points(self.group, tuple(sys.path))


@cache
def _find_entry_points(group: str, path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Entry points of the packages that are installed along a search path, `sys.path`."""
    return {point.name: point for point in entry_points(group=group)}
