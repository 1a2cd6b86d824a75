"""What readers of training settings have in common."""

from collections.abc import Iterable
from typing import Any

from poseflow.config.parts import FILTER_MULTIPLE
from poseflow.models.training_settings.ledger import Ledger

STEPS_PER_EPOCH = 200
HALVING = 0.5
LABELS_ELSEWHERE = "labels and their division are settings of the project: labels, split"
RESULTS_ELSEWHERE = "where results lie, and what is logged, the workflow decides"
LOADING_ELSEWHERE = "how images are fed has no setting here"
NODES = "nodes, edges and symmetries are those of the labels"


def count_bits(stride: int) -> int:
    """The power of 2 that a stride is; raises ValueError for one that is none."""
    if stride < 2 or stride & (stride - 1):
        raise ValueError(f"a maximum stride must be a power of 2, at least 2, got {stride}")
    return stride.bit_length() - 1


def count_levels(ledger: Ledger, path: str, default: int) -> int:
    """Levels of a network of that maximum stride."""
    return count_bits(int(ledger.take(path, default)))


def describe_filters(ledger: Ledger, path: str, filters: int, growth: float, levels: int) -> None:
    """Say so where the filters of some block are not those of the file."""
    every = [int(filters * growth**level) for level in range(levels + 1)]
    if any(number % FILTER_MULTIPLE for number in every):
        counts = ", ".join(map(str, every))
        ledger.say(path, f"used; each block's filters ({counts}) are rounded up to {FILTER_MULTIPLE}s")


def take_range(ledger: Ledger, least: str, greatest: str, what: str) -> float:
    """Half the width of a range that lies evenly round 0 here."""
    low, high = float(ledger.take(least, 0)), float(ledger.take(greatest, 0))
    reach = max(abs(low), abs(high))
    if low != -high:
        for path in (least, greatest):
            ledger.say(path, f"{what} between -{reach:g} and {reach:g}")
    return reach


def take_hard_nodes(ledger: Ledger, section: str) -> float | None:
    """Weight of hard nodes, by SLEAP's section about mining them; None where it is switched off."""
    if not ledger.take(f"{section}.online_mining"):
        ledger.switch_off(section)
        return None
    ledger.same(f"{section}.hard_to_easy_ratio", 2, 2.0)
    ledger.same(f"{section}.min_hard_keypoints", 2)
    return float(ledger.take(f"{section}.loss_scale", 5.0))


def only(ledger: Ledger, section: str, known: Iterable[str]) -> str:
    """Name of the one part that a section has; raises ValueError."""
    found = ledger.parts_of(section)
    if len(found) != 1 or not set(found) <= set(known):
        raise ValueError(f"{section} must have one of {', '.join(known)}, got {', '.join(found) or 'none'}")
    return found[0]


def read_head(ledger: Ledger, section: str, maps: str) -> dict[str, Any]:
    """What SLEAP's and sleap-nn's files say alike of a head.

    Args:
        section: of the head. maps: of its confidence maps.
    """
    own_weight = ledger.take(f"{maps}.loss_weight", 1.0)
    head: dict[str, Any] = {
        "output_stride": ledger.take(f"{maps}.output_stride", 1),
        "sigma_px": ledger.take(f"{maps}.sigma", 5.0),
    }
    ledger.leave(f"{maps}.part_names", NODES)

    def weigh(part: str) -> float:
        return float(ledger.take(f"{section}.{part}.loss_weight", 1.0)) / (float(own_weight) or 1.0)

    parts = ledger.parts_of(section)
    if "pafs" in parts:
        ledger.leave(f"{section}.pafs.edges", NODES)
        head["part_affinity_fields"] = {
            "output_stride": ledger.take(f"{section}.pafs.output_stride", 1),
            "sigma_px": ledger.take(f"{section}.pafs.sigma", 15.0),
            "weight": weigh("pafs"),
        }
    if "class_maps" in parts:
        stride = ledger.take(f"{section}.class_maps.output_stride", 1)
        radius = ledger.take(f"{section}.class_maps.sigma", 5.0)
        if radius < stride:
            ledger.say(f"{section}.class_maps.sigma", f"at least the output stride here, {stride}")
        head["class_maps"] = {
            "output_stride": stride,
            "radius_px": max(radius, stride),
            "weight": weigh("class_maps"),
        }
    if "class_vectors" in parts:
        own = f"{section}.class_vectors"
        ledger.same(f"{own}.global_pool", True)
        head["class_vector"] = {
            "layers": ledger.take(f"{own}.num_fc_layers", 1),
            "units": ledger.take(f"{own}.num_fc_units", 64),
            "weight": weigh("class_vectors"),
        }
    for part in ("class_maps", "class_vectors"):
        if part in parts:
            head["identities"] = ledger.take(f"{section}.{part}.classes")
    return head


def without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    """Settings of a profile that the file gives."""
    return {name: value for name, value in values.items() if value is not None}
