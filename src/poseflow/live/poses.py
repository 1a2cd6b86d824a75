"""The answer to a frame: whose pose is where, and how long it took to find out."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.tables import Instances


@dataclass(frozen=True, eq=False)
class LivePoses:
    """The animals of one frame; row i of every array is animal i."""

    frame_idx: int
    """Number of the frame in its source, counted with those that were skipped."""
    time_s: float
    """When the frame was taken, s after the source's first one."""
    taken_s: float
    """The same on the clock of `time.monotonic`."""
    latency_s: float
    """From the frame's time stamp to these poses."""
    skeleton: Skeleton
    instances: Instances
    """Of the animals that have a track; `frame_idx` is the frame's."""
    track: NDArray[np.int32]
    """(n,)"""
    identity_code: NDArray[np.int16]
    """(n,) place in `identity_names`, -1 for an animal without a name"""
    identity_score: NDArray[np.float32]
    """(n,), NaN without a name"""
    tracklet: NDArray[np.int32]
    """(n,) number of the run without gaps that each animal's track is in"""
    identity_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.track)

    @property
    def points(self) -> NDArray[np.float32]:
        """(n, nodes, 2), (x, y) px, NaN where missing."""
        return self.instances.points

    @property
    def identity(self) -> list[str | None]:
        """Name of each animal, None without one."""
        names = [*self.identity_names, None]
        return [names[code] for code in self.identity_code.tolist()]

    @cached_property
    def rows(self) -> dict[str | int, int]:
        """Row of each animal by its name, and by its track."""
        names: dict[str | int, int] = {name: row for row, name in enumerate(self.identity) if name is not None}
        return names | {track: row for row, track in enumerate(self.track.tolist())}

    def find(self, animal: str | int, node: str | int) -> NDArray[np.float32] | None:
        """A point (x, y) in px of an animal, by its name or track, and of a node, by its name or place.

        None where the animal or the point is not seen. Raises ValueError for a node that the skeleton has not.
        """
        place = self.skeleton.nodes.index(node) if isinstance(node, str) else node
        row = self.rows.get(animal)
        if row is None:
            return None
        point: NDArray[np.float32] = self.points[row, place]
        return None if np.isnan(point).any() else point

    @cached_property
    def message(self) -> dict[str, Any]:
        """As JSON has it; what is missing is null."""
        return {
            "kind": "poses",
            "frame": self.frame_idx,
            "time_s": round(self.time_s, 6),
            "latency_ms": round(1000 * self.latency_s, 3),
            "animals": [self._describe(row) for row in range(len(self))],
        }

    @cached_property
    def encoded(self) -> bytes:
        """The message as JSON, encoded once for all outputs."""
        return json.dumps(self.message, allow_nan=False, ensure_ascii=False).encode()

    def _describe(self, row: int) -> dict[str, Any]:
        points = zip(self.skeleton.nodes, self.points[row].tolist(), strict=True)
        name = self.identity[row]
        return {
            "track": int(self.track[row]),
            "identity": name,
            "identity_score": None if name is None else round(float(self.identity_score[row]), 4),
            "score": round(float(self.instances.score[row]), 4),
            "points": {node: None if np.isnan(point).any() else [round(v, 2) for v in point] for node, point in points},
        }


@dataclass(frozen=True)
class TriggerEvent:
    """What a trigger says at one moment."""

    name: str
    is_met: bool
    frame_idx: int
    """Of the poses that it looked at, -1 where there were none."""
    time_s: float
    """Of these, s after the source's first frame."""
    age_s: float
    """From the time stamp of that frame to this event."""

    @cached_property
    def message(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "kind": "trigger",
            "name": self.name,
            "value": int(self.is_met),
            "frame": self.frame_idx,
            "time_s": round(self.time_s, 6),
            "age_ms": round(1000 * self.age_s, 3),
        }

    @cached_property
    def encoded(self) -> bytes:
        """The message as JSON, encoded once for all outputs."""
        return json.dumps(self.message, allow_nan=False, ensure_ascii=False).encode()
