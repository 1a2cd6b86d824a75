"""From sleap-io's skeletons to ours and back, and one order of nodes for files that differ in it."""

from __future__ import annotations

from pathlib import Path

import sleap_io as sio

from poseflow.core.errors import SkeletonError
from poseflow.core.skeleton import Skeleton


def skeleton_of(labels: sio.Labels) -> Skeleton:
    """The one skeleton of labels that `read_labels` gave."""
    return from_sleap(labels.skeletons[0])


def from_sleap(skeleton: sio.Skeleton) -> Skeleton:
    """Our skeleton; edges keep their order, symmetries are sorted (sleap-io keeps them as sets)."""
    return Skeleton(
        nodes=tuple(skeleton.node_names),
        edges=tuple((int(source), int(target)) for source, target in skeleton.edge_inds),
        symmetries=tuple(sorted({(int(a), int(b)) for a, b in skeleton.symmetry_inds})),
    )


def to_sleap(skeleton: Skeleton) -> sio.Skeleton:
    """sleap-io's skeleton of the same nodes, edges and symmetries."""
    return sio.Skeleton(
        nodes=list(skeleton.nodes),
        edges=[list(edge) for edge in skeleton.edges],
        symmetries=[list(pair) for pair in skeleton.symmetries],
        name="Skeleton",
    )


def node_order(wanted: sio.Skeleton, got: sio.Skeleton, first: str | Path, other: str | Path) -> list[int]:
    """Where each node of `wanted` stands in `got`; `first` and `other` are the files they come from.

    Raises:
        SkeletonError: The sets of node names differ; names both files and the nodes.
    """
    if set(wanted.node_names) != set(got.node_names):
        missing = [name for name in wanted.node_names if name not in got.node_names]
        extra = [name for name in got.node_names if name not in wanted.node_names]
        raise SkeletonError(
            f"{other} must have the same nodes as {first}, "
            f"got missing: {_name_list(missing)}; extra: {_name_list(extra)}"
        )
    return [got.node_names.index(name) for name in wanted.node_names]


def _name_list(names: list[str]) -> str:
    return ", ".join(names) if names else "none"
