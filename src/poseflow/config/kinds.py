"""Kinds of models: what each sees and draws, and the pipeline that it is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, GetJsonSchemaHandler

from poseflow.config.parts import HEADS
from poseflow.core.registry import Registry


@dataclass(frozen=True)
class Kind:
    """A kind of model: another package adds one by an entry point `poseflow.kinds`.

    purpose: what it does, in words that follow "it". heads: what it draws; all draw `confidence_maps`.
    optional_heads: what it draws beside these where a profile wants them (`Head.is_wanted`).
    sampler: what a sample of it is (`training.data.samples.SAMPLERS`): a frame with all points of all animals, a frame
        with the anchor of each, or a crop with the points of the animal in its middle.
    pipeline: how frames become instances (`inference.pipelines.PIPELINES`): the highest peak of each node is the one
        animal's; anchors first, then the points in a crop round each; or peaks of all animals, grouped by the head that
        can do that.
    """

    purpose: str
    heads: tuple[str, ...]
    sampler: Literal["frames", "anchors", "crops"]
    pipeline: Literal["single_animal", "top_down", "bottom_up"]
    optional_heads: tuple[str, ...] = ()

    def count_points(self, nodes: int) -> int:
        """Points that it finds of an animal with so many nodes."""
        return 1 if self.sampler == "anchors" else nodes

    @property
    def names_animals(self) -> bool:
        """Whether its networks say who an animal is."""
        return any(HEADS[name].names_animals for name in self.heads)


VISIBILITY = ("visibility",)
KINDS = Registry[Kind]("kinds", "kind")
KINDS.add("single_instance")(
    Kind(
        "predicts the pose of the one animal in the frame", ("confidence_maps",), "frames", "single_animal", VISIBILITY
    )
)
KINDS.add("centroid")(Kind("detects where the animals are", ("confidence_maps",), "anchors", "top_down", ("heading",)))
KINDS.add("centered_instance")(
    Kind(
        "predicts the pose of the animal in the middle of a crop", ("confidence_maps",), "crops", "top_down", VISIBILITY
    )
)
KINDS.add("bottom_up")(
    Kind(
        "detects all body parts of a frame and groups them into animals",
        ("confidence_maps", "part_affinity_fields"),
        "frames",
        "bottom_up",
        VISIBILITY,
    )
)
KINDS.add("multi_class_top_down")(
    Kind(
        "predicts the pose of the animal in the middle of a crop, and which animal it is",
        ("confidence_maps", "class_vector"),
        "crops",
        "top_down",
        VISIBILITY,
    )
)
KINDS.add("multi_class_bottom_up")(
    Kind(
        "detects all body parts of a frame, and whose they are",
        ("confidence_maps", "class_maps"),
        "frames",
        "bottom_up",
        VISIBILITY,
    )
)


def find_pipeline_fault(kinds: Sequence[str]) -> str | None:
    """What is wrong with models of these kinds as one pipeline, in words that follow its name; None: nothing."""
    samplers = [KINDS[kind].sampler for kind in kinds]
    if samplers == ["frames"] or sorted(samplers) == ["anchors", "crops"]:
        return None
    whole = [name for name, kind in KINDS.items() if kind.sampler == "frames"]
    first, second = ([name for name, kind in KINDS.items() if kind.sampler == own] for own in ("anchors", "crops"))
    known = [*whole, *(f"{anchors} + {crops}" for anchors in first for crops in second)]
    return f"must be of one of these sets of kinds: {'; '.join(known)}; got {' + '.join(kinds)}"


class _AnyKind:
    """In the JSON schema: the kinds that there are."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"enum": list(KINDS)}


KindName = Annotated[str, AfterValidator(KINDS.check), _AnyKind()]
