"""Claims: what a person says is true of a recording, a line of its log each.

A claim says what is the case, not what is to be done: applied to tables that have mended themselves it changes
nothing, where a stored operation ("swap from here on") would be a new error. It holds the animal as it looked when the
claim was made, and is about the animal that is there now (`poseflow.corrections.attach`): rows, tracks and releases
change.
"""

import getpass
import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

DECIMALS = 3
"""Of positions, px: what float32 tells apart in an image of 8,000 px."""


FAR_PX = 1e6
"""Farther out than any image reaches."""

MOST_FRAMES = 2**40
"""More than any video has."""


def _check_position(value: float) -> float:
    if not abs(value) < FAR_PX:  # nor NaN
        raise ValueError(f"a position must be a number of px below {FAR_PX:.0f}, got {value}")
    return value


Position = Annotated[float, AfterValidator(_check_position)]
"""x or y in px."""
Point = tuple[Position, Position] | None
"""(x, y) in px, null where the node is not seen."""
Frame = Annotated[int, Field(ge=0, lt=MOST_FRAMES)]
"""Number of a frame in its video."""
Pose = tuple[Point, ...]
Text = Annotated[str, Field(min_length=1, max_length=200)]
AnimalName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sighting(_Part):
    """An animal of a frame as a person saw it, among the other animals of that frame."""

    video: Text = Field(description="Name of the video in the project.")
    frame: Frame = Field(description="Its number in the video.")
    nodes: tuple[Text, ...] = Field(min_length=1, description="Of the skeleton that was seen.")
    animals: tuple[Pose, ...] = Field((), description="All animals of the frame as they were shown.")
    animal: int | None = Field(None, ge=0, description="Which of these it is; null: one that was not shown.")
    time_s: float | None = Field(None, description="Time of the frame in its video.")
    content: str | None = Field(None, description="Fingerprint of the video's content, where it is known.")
    release: str | None = Field(None, description="Release whose predictions were seen; a hint.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.nodes)) < len(self.nodes):
            raise ValueError(f"nodes must be distinct, got {', '.join(self.nodes)}")
        for pose in self.animals:
            if len(pose) != len(self.nodes):
                raise ValueError(f"an animal must have a point or null for each of {len(self.nodes)} nodes")
        if self.animal is not None and self.animal >= len(self.animals):
            raise ValueError(f"animal must be one of the {len(self.animals)} that were seen, got {self.animal}")
        return self

    @property
    def points(self) -> NDArray[np.float64]:
        """(animals, nodes, 2), NaN where a node is not seen."""
        return _to_array(self.animals, len(self.nodes))

    @classmethod
    def of(
        cls, video: str, frame: int, nodes: Sequence[str], points: ArrayLike, animal: int | None, **known: Any
    ) -> "Sighting":
        """Build from points (animals, nodes, 2), NaN where missing."""
        animals = tuple(_to_pose(pose) for pose in np.asarray(points, np.float64).reshape(-1, len(nodes), 2))
        return cls(video=video, frame=frame, nodes=tuple(nodes), animals=animals, animal=animal, **known)


class Claim(_Part):
    """What all claims have."""

    version: Literal[1] = 1
    id: Text = Field(description="Sortable by time, and unique over machines.")
    time: AwareDatetime = Field(description="When it was made; of two that contradict each other the later counts.")
    author: Text = Field(description="Who says so.")


class _AboutAnimal(Claim):
    where: Sighting


class _AboutSeenAnimal(_AboutAnimal):
    @model_validator(mode="after")
    def _check_animal(self) -> Self:
        if self.where.animal is None:
            raise ValueError("where.animal must be one of the animals that were seen, got null")
        return self


class NameClaim(_AboutSeenAnimal):
    """In this frame the animal here is the one of this name; `track_3`: of this track's number."""

    kind: Literal["name"] = "name"
    name: AnimalName


class ContinuationClaim(_AboutSeenAnimal):
    """The animal here is the one that was there in an earlier frame."""

    kind: Literal["continuation"] = "continuation"
    before: Sighting

    @model_validator(mode="after")
    def _check_before(self) -> Self:
        if self.before.animal is None:
            raise ValueError("before.animal must be one of the animals that were seen, got null")
        if self.before.video == self.where.video and self.before.frame >= self.where.frame:
            raise ValueError(f"before must be an earlier frame than {self.where.frame}, got {self.before.frame}")
        return self


class PointsClaim(_AboutSeenAnimal):
    """Nodes of the animal here are at these points, or not to be seen (null); of other nodes nothing is said."""

    kind: Literal["points"] = "points"
    points: dict[Text, Point]

    @model_validator(mode="after")
    def _check_points(self) -> Self:
        return _check_nodes(self, self.points)


class AnimalClaim(_AboutAnimal):
    """An animal is here, with all its points, that was not shown."""

    kind: Literal["animal"] = "animal"
    points: dict[Text, Point]
    name: AnimalName | None = None
    before: Sighting | None = Field(None, description="Where it was in an earlier frame.")

    @model_validator(mode="after")
    def _check_points(self) -> Self:
        if not any(point is not None for point in self.points.values()):
            raise ValueError("points must hold one that is seen, got none")
        if self.where.animal is not None:
            raise ValueError(f"where.animal must be null for an animal that was not shown, got {self.where.animal}")
        return _check_nodes(self, self.points)


class AbsenceClaim(_AboutSeenAnimal):
    """What was taken for an animal here is none: in this frame, or along a path of frames.

    `path`: (frame, x, y) of its centroid, in px, in ascending frames from the first on; between them it moves in a
    straight line. Empty: in this frame alone.
    """

    kind: Literal["absence"] = "absence"
    path: tuple[tuple[Frame, Position, Position], ...] = ()

    @model_validator(mode="after")
    def _check_path(self) -> Self:
        frames = [frame for frame, _, _ in self.path]
        if frames and (frames[0] != self.where.frame or sorted(set(frames)) != frames):
            raise ValueError(f"path must begin at frame {self.where.frame} and go on in time, got {frames[:5]}")
        return self


class ReviewedClaim(Claim):
    """A person looked at this frame, and who is who there is right."""

    kind: Literal["reviewed"] = "reviewed"
    video: Text
    frame: Frame


class Retraction(Claim):
    """Another claim is taken back; a retraction that is itself retracted takes nothing back."""

    kind: Literal["retraction"] = "retraction"
    retracts: Text


AnyClaim = NameClaim | ContinuationClaim | PointsClaim | AnimalClaim | AbsenceClaim | ReviewedClaim | Retraction
AboutAnimal = NameClaim | ContinuationClaim | PointsClaim | AnimalClaim | AbsenceClaim
CLAIM: TypeAdapter[AnyClaim] = TypeAdapter(Annotated[AnyClaim, Field(discriminator="kind")])
"""Reads a claim of any kind from JSON."""


def new_id(time: datetime) -> str:
    """An id that no other claim has, on whatever machine; ids sort by their times, to a millisecond."""
    return f"{round(time.timestamp() * 1000):012x}-{secrets.token_hex(8)}"


def stamp(author: str | None = None) -> dict[str, Any]:
    """Id, time and author of a claim that is made now, by default by the user of this process."""
    now = datetime.now(UTC)
    return {"id": new_id(now), "time": now, "author": author or _user()}


def id_of_content(claim: AnyClaim) -> str:
    """An id that claims of the same content share, whoever made them and when."""
    content = claim.model_dump(mode="json", exclude={"id", "time", "author"})
    return f"slp-{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]}"


def sort_claims(claims: Iterable[AnyClaim]) -> list[AnyClaim]:
    """By time, each id once: of copies of a claim the first counts."""
    kept: dict[str, AnyClaim] = {}
    for claim in sorted(claims, key=lambda claim: (claim.time, claim.id)):
        kept.setdefault(claim.id, claim)
    return list(kept.values())


def find_standing(claims: Iterable[AnyClaim]) -> list[AnyClaim]:
    """Those that nobody has taken back, by time, without the retractions."""
    ordered = sort_claims(claims)
    gone = find_taken_back(ordered)
    return [claim for claim in ordered if not isinstance(claim, Retraction) and claim.id not in gone]


def find_taken_back(claims: Iterable[AnyClaim]) -> set[str]:
    """Ids of the claims, and retractions, that a retraction which holds takes back; clocks need not agree."""
    by: dict[str, list[str]] = {}
    for claim in claims:
        if isinstance(claim, Retraction):
            by.setdefault(claim.retracts, []).append(claim.id)
    gone: dict[str, bool] = {}
    for first in by:
        waiting = [first]
        while waiting:
            own = waiting[-1]
            open_questions = [one for one in by.get(own, ()) if one not in gone and one not in waiting]
            if open_questions:
                waiting.append(open_questions[0])
            else:  # what is asked of itself, in a circle that no writer makes, takes nothing back
                gone[own] = any(not gone.get(one, True) for one in by.get(own, ()))
                waiting.pop()
    return {own for own, is_gone in gone.items() if is_gone}


def place_of(claim: AnyClaim) -> tuple[str, int] | None:
    """Video and frame that a claim is about; None for a retraction."""
    if isinstance(claim, Retraction):
        return None
    return (claim.video, claim.frame) if isinstance(claim, ReviewedClaim) else (claim.where.video, claim.where.frame)


def to_points(points: dict[str, Point], nodes: Sequence[str]) -> NDArray[np.float64]:
    """Points of a claim in the order of `nodes`, (nodes, 2), NaN for those that it does not have."""
    return _to_array([tuple(points.get(node) for node in nodes)], len(nodes))[0]


def from_points(points: ArrayLike, nodes: Sequence[str]) -> dict[str, Point]:
    """Points (nodes, 2), NaN where missing, as a claim has them."""
    return dict(zip(nodes, _to_pose(np.asarray(points, np.float64)), strict=True))


def _check_nodes(claim: Any, points: dict[str, Point]) -> Any:
    if unknown := points.keys() - set(claim.where.nodes):
        raise ValueError(f"points must be of the nodes {', '.join(claim.where.nodes)}, got {min(unknown)}")
    return claim


def _to_pose(points: NDArray[np.float64]) -> Pose:
    return tuple(
        None if np.isnan(point).any() else (round(float(point[0]), DECIMALS), round(float(point[1]), DECIMALS))
        for point in points
    )


def _to_array(poses: Sequence[Pose], nodes: int) -> NDArray[np.float64]:
    missing = (np.nan, np.nan)
    flat = [missing if point is None else point for pose in poses for point in pose]
    return np.array(flat, np.float64).reshape(len(poses), nodes, 2)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as containers have
        return "unknown"
