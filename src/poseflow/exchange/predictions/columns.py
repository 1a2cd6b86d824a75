"""Tables whose columns are named by scorer, individual, body part and coordinate, as DeepLabCut's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.exchange.predictions.reader import PredictedVideo, PredictionsFile
from poseflow.tables import Instances

UNIQUE = "single"
"""The individual under which DeepLabCut files body parts that no animal has: corners of the arena."""
COORDS = {"x": 0, "y": 1, "likelihood": 2}
DEPTH = "z"
"""Where a column is so called, x and y are no px of an image either."""


@dataclass(frozen=True)
class Columns:
    """What the columns of numbers hold."""

    tool: str
    nodes: tuple[str, ...]
    animals: tuple[str, ...]
    places: NDArray[np.int64]
    """(animals, nodes, 3) number of the column of x, y and likelihood; -1 where there is none."""
    unique: tuple[str, ...]
    others: tuple[str, ...]
    """Columns that are no coordinates: what an ensemble says of its spread."""

    def describe(self, frames: int) -> PredictionsFile:
        """A file of so many frames; which recording it is of, its own name tells."""
        left_out = [f"{len(self.animals)} individuals as tracks"] if len(self.animals) > 1 else []
        left_out += [f"unique body parts ({', '.join(self.unique)})"] if self.unique else []
        left_out += [f"columns {', '.join(self.others)}"] if self.others else []
        return PredictionsFile(
            tool=self.tool,
            skeleton=Skeleton(nodes=self.nodes),
            videos=(PredictedVideo(number=0, frames=frames),),
            left_out=tuple(left_out),
        )

    def instances(self, frame_idx: NDArray[np.int64], values: NDArray[np.float64]) -> Instances:
        """Instances of some rows of numbers (n, columns)."""
        filled = np.concatenate([values, np.full((len(values), 1), np.nan)], axis=1)
        poses = filled[:, self.places].reshape(-1, len(self.nodes), 3)
        frames = np.repeat(frame_idx, len(self.animals))
        return Instances.from_arrays(frames, np.full(len(poses), np.nan), poses[..., :2], poses[..., 2])


def arrange_columns(names: Sequence[Mapping[str, str]]) -> Columns:
    """Find out what columns hold, from their headers: `scorer`, maybe `individuals`, `bodyparts`, `coords`.

    Columns that are no coordinates are left out.

    Raises: ValueError where one is a coordinate in space, is there twice, or there are no predictions.
    """
    scorers = sorted({name["scorer"] for name in names})
    if len(scorers) != 1:
        raise ValueError(f"columns must be of one scorer, got {', '.join(scorers) or 'none'}")
    coords = {name["coords"]: None for name in names}
    if DEPTH in coords or not {"x", "y"} <= coords.keys():
        raise ValueError(f"columns must be x, y and likelihood of body parts, in px, got {', '.join(coords)}")
    found: dict[tuple[str, str, int], int] = {}
    for place, name in enumerate(names):
        coord = COORDS.get(name["coords"])
        if coord is None:
            continue
        key = name.get("individuals", ""), name["bodyparts"], coord
        if key in found:
            raise ValueError(f"each body part must have one {name['coords']}, got several of {name['bodyparts']}")
        found[key] = place
    individuals = list(dict.fromkeys(individual for individual, _, _ in found))
    animals = [name for name in individuals if name != UNIQUE] or individuals
    nodes = list(dict.fromkeys(node for individual, node, _ in found if individual in animals))
    unique = dict.fromkeys(node for individual, node, _ in found if individual not in animals)
    places = [[[found.get((animal, node, coord), -1) for coord in range(3)] for node in nodes] for animal in animals]
    tool = "Lightning Pose" if scorers[0].endswith("_tracker") else "DeepLabCut"
    others = tuple(coord for coord in coords if coord not in COORDS)
    return Columns(tool, tuple(nodes), tuple(animals), np.array(places, np.int64), tuple(unique), others)
