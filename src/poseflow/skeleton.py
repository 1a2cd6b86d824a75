"""The animal's skeleton: named nodes, directed edges, symmetric pairs."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from poseflow.errors import SkeletonError


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
