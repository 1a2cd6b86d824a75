"""Registries: the parts of one kind, by name, open to other packages by entry points."""

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from poseflow.core.errors import ConfigError

Part = TypeVar("Part")


class Registry(Mapping[str, Part], Generic[Part]):
    """Parts by name: those that a decorator added, and those of other packages' entry points.

    A package that has in its `pyproject.toml`

        [project.entry-points."poseflow.similarities"]
        cosine = "my_package.cosine:score_cosine"

    adds `cosine` to the similarities. It is imported only when it is asked for by name.

    Example:

        SIMILARITIES = Registry[Similarity]("similarities", "similarity")

        @SIMILARITIES.add("iou")
        def score_iou(...): ...
    """

    def __init__(self, group: str, what: str) -> None:
        """Make an empty registry.

        Args:
            group: entry points of `poseflow.{group}` belong to it.
            what: what one of its parts is called in errors.
        """
        self.group = f"poseflow.{group}"
        self._what = what
        self._parts: dict[str, Part] = {}
        self._outside: dict[str, EntryPoint] | None = None

    def add(self, name: str) -> Callable[[Part], Part]:
        """Decorate a part to add it under a name; raises ValueError where the name is taken."""

        def add(part: Part) -> Part:
            if name in self._parts:
                raise ValueError(f"a name of {self.group} must be given once, got {name!r} twice")
            self._parts[name] = part
            return part

        return add

    def __getitem__(self, name: str) -> Part:
        """Give a part; raises ConfigError, with the names that there are, for one that there is not."""
        if name not in self._parts:
            outside = self._find_outside()
            if name not in outside:
                raise ConfigError(f"{self._what} must be one of {', '.join(self)}, got {name!r}")
            self._parts[name] = outside[name].load()
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is a part of that name; imports nothing."""
        return name in self._parts or name in self._find_outside()

    def __iter__(self) -> Iterator[str]:
        """All names, sorted; imports nothing."""
        return iter(sorted({*self._parts, *self._find_outside()}))

    def __len__(self) -> int:
        """How many parts there are."""
        return len(list(iter(self)))

    def _find_outside(self) -> dict[str, EntryPoint]:
        if self._outside is None:
            self._outside = {point.name: point for point in entry_points(group=self.group)}
        return self._outside
