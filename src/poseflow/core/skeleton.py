"""The animal's skeleton: named nodes, directed edges, symmetric pairs."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from poseflow.core.errors import SkeletonError


class Skeleton(BaseModel):
    """Nodes by name; edges and symmetries as pairs of node indices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()
    symmetries: tuple[tuple[int, int], ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "Skeleton":
        if not self.nodes or len(set(self.nodes)) != len(self.nodes):
            raise ValueError(f"nodes must be distinct and at least one, got {list(self.nodes)}")
        _check_names(self.nodes)
        for pair in (*self.edges, *self.symmetries):
            if not all(0 <= index < len(self.nodes) for index in pair) or pair[0] == pair[1]:
                raise ValueError(f"a pair must join two of the {len(self.nodes)} nodes, got {pair}")
        return self

    def index(self, node: str) -> int:
        """Position of a node by name; raises SkeletonError naming the nodes there are."""
        if node not in self.nodes:
            raise SkeletonError(f"node must be one of {', '.join(self.nodes)}, got {node!r}")
        return self.nodes.index(node)

    def flip_order(self) -> list[int]:
        """Node order after a mirror flip: symmetric nodes change places."""
        order = list(range(len(self.nodes)))
        for a, b in self.symmetries:
            order[a], order[b] = b, a
        return order

    def growth_order(self) -> list[tuple[int, int, int]]:
        """The way along the edges on which an animal is put together: (edge, node at hand, new node) in turn.

        From a root (a node that no edge points to), nearer nodes first; an edge may be followed against its direction.
        Each node that has an edge is reached, each but the first of a connected piece by one edge; an edge that would
        close a ring is left out.
        """
        pointed_to = {target for _, target in self.edges}
        reached: set[int] = set()
        order = []
        for start in sorted(range(len(self.nodes)), key=lambda node: node in pointed_to):
            waiting = [start] if start not in reached else []
            reached.add(start)
            while waiting:
                known = waiting.pop(0)
                for edge, (source, target) in enumerate(self.edges):
                    new = target if source == known else source
                    if known in (source, target) and new not in reached:
                        reached.add(new)
                        waiting.append(new)
                        order.append((edge, known, new))
        return order

    def check_connected(self) -> None:
        """Raise SkeletonError unless the edges join all nodes, as assembly from part affinity fields asks for."""
        if not self.edges:
            raise SkeletonError(
                f"skeleton must have edges (labels.edges) that join its {len(self.nodes)} nodes, got none"
            )
        joined = {self.growth_order()[0][1]}
        for _, known, new in self.growth_order():
            joined |= {new} if known in joined else set()
        apart = [name for index, name in enumerate(self.nodes) if index not in joined]
        if apart:
            raise SkeletonError(
                f"skeleton must have edges (labels.edges) that join all its nodes, got none to {', '.join(apart)}"
            )

    @classmethod
    def from_names(
        cls,
        nodes: Sequence[str],
        edges: Sequence[tuple[str, str]] = (),
        symmetries: Sequence[tuple[str, str]] = (),
    ) -> "Skeleton":
        """Build from pairs of names instead of indices."""
        place = {name: index for index, name in enumerate(nodes)}
        pairs: Any = [[(place[a], place[b]) for a, b in pairs] for pairs in (edges, symmetries)]
        return cls(nodes=tuple(nodes), edges=tuple(pairs[0]), symmetries=tuple(pairs[1]))


def _check_names(nodes: Sequence[str]) -> None:
    """Raise SkeletonError unless the columns `{node}.x` that tables are made of are distinct to every reader.

    SQL knows no letters' case; readers that choose columns by a field's path take `a.x` for all of `a.x.y` as well.
    """
    known: dict[str, str] = {}
    for node in nodes:
        if not node.strip() or not node.isprintable():
            raise SkeletonError(f"nodes must have names of printable characters, got {node!r}")
        key = unicodedata.normalize("NFC", node).strip().casefold()
        if key in known:
            raise SkeletonError(
                f"nodes must differ in more than case, spaces or the encoding of a letter, got {known[key]!r} and "
                f"{node!r}; rename one of them in the labels"
            )
        known[key] = node
    for key, node in known.items():
        parts = key.split(".")
        for stop in range(1, len(parts)):
            shorter = ".".join(parts[:stop])
            if shorter in known and parts[stop] in ("x", "y", "score", "edited"):
                raise SkeletonError(
                    f"nodes must not be named like another's column, {known[shorter]}.{parts[stop]}, got {node!r}; "
                    "rename it in the labels"
                )
