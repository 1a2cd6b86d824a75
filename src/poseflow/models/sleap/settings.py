"""What SLEAP (1.0 to 1.4) writes beside a trained model: `training_config.json`.

The file is data: its skeleton was written by jsonpickle, and is read here as plain JSON, so no class that it names is
ever looked up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from poseflow.config import KINDS, HeadConfig, InputConfig, ModelConfig
from poseflow.core.errors import ModelError, SkeletonError
from poseflow.core.files import read_json
from poseflow.core.skeleton import Skeleton
from poseflow.models.profile import ModelFolder
from poseflow.networks.backbones.unet import UNet

SETTINGS = "training_config.json"
WEIGHTS = "best_model.h5"

OUR_KINDS = {
    "single_instance": "single_instance",
    "centroid": "centroid",
    "centered_instance": "centered_instance",
    "multi_instance": "bottom_up",
    "multi_class_topdown": "multi_class_top_down",
    "multi_class_bottomup": "multi_class_bottom_up",
}
PRETRAINED_STRIDE = 32  # of every encoder that SLEAP takes from a library; its settings do not say so
LONGEST_SIDE = 2**16  # px, of frames
SYMMETRY = 2  # SLEAP's code for an edge that joins a left and a right node


def read_sleap_folder(folder: Path) -> ModelFolder:
    """Read a folder's `training_config.json`; raises ModelError naming the file, the fault and what was expected."""
    path = folder / SETTINGS
    try:
        return _translate(read_json(path), folder)
    except (OSError, ValueError, SkeletonError) as error:
        raise ModelError(f"{path}: must be the settings of a SLEAP model: {_one_line(error)}") from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        kind = type(error).__name__
        raise ModelError(f"{path}: must be the settings of a SLEAP model, got others ({kind}: {error})") from None


def _one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return str(error)


def _translate(values: Mapping[str, Any], folder: Path) -> ModelFolder:
    data, model = values["data"], values["model"]
    given = {name: head for name, head in model["heads"].items() if head is not None}
    if len(given) != 1 or not given.keys() <= OUR_KINDS.keys():
        raise ValueError(f"model.heads must have one of {', '.join(OUR_KINDS)}, got {', '.join(given) or 'none'}")
    ((name, head),) = given.items()
    maps = head.get("confmaps", head)
    parts = maps.get("part_names")
    graph = choose_graph(data["labels"]["skeletons"], _name_nodes, parts)
    skeleton = _read_skeleton(graph, parts, head.get("pafs"))
    preprocessing, cropping = data["preprocessing"], data.get("instance_cropping") or {}
    sees_crops = KINDS[OUR_KINDS[name]].sampler == "crops"
    if sees_crops and not cropping.get("crop_size"):
        raise ValueError("data.instance_cropping.crop_size must be a number of px, got none")
    anchor = maps.get("anchor_part") or cropping.get("center_on_part")
    config = ModelConfig(
        kind=OUR_KINDS[name],
        input=InputConfig(
            # The weights file has the last word on the channels; this is what the settings ask for.
            channels=3 if preprocessing.get("ensure_rgb") else 1,
            scale=find_scale(preprocessing.get("input_scaling")),
            crop_px=cropping.get("crop_size") if sees_crops else None,
            anchor=anchor,
        ),
        backbone=_read_backbone(model["backbone"]),
        head=_read_head(head, maps),
    )
    shown = {"model": model, "preprocessing": preprocessing, "instance_cropping": cropping}
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    return ModelFolder(folder, config, skeleton, text, _read_frame_size(preprocessing))


def _read_frame_size(preprocessing: Mapping[str, Any]) -> tuple[int, int] | None:
    height, width = preprocessing.get("target_height"), preprocessing.get("target_width")
    if not preprocessing.get("resize_and_pad_to_target") or not height or not width:
        return None
    check_sides("preprocessing.target_height and target_width", (height, width))
    return height, width


def check_sides(what: str, sides: tuple[Any, Any]) -> None:
    """Raise ValueError for sides of frames that are no numbers of px; None is no side."""
    if any(side is not None and (not isinstance(side, int) or not 1 <= side <= LONGEST_SIDE) for side in sides):
        raise ValueError(f"{what} must be numbers of px or null, got {sides}")


def check_classes(names: Any) -> Any:
    """Names of the animals that a model tells apart; raises ValueError where there are none yet."""
    if not names:
        raise ValueError("classes must be the animals' names, got none (settings from before the training have none)")
    return names


def find_scale(value: Any) -> Any:
    """What images are resized by, as the settings have it; not at all where they say nothing."""
    return 1.0 if value is None else value


def _read_head(head: Mapping[str, Any], maps: Mapping[str, Any]) -> HeadConfig:
    more: dict[str, Any] = {}
    if fields := head.get("pafs"):
        more["part_affinity_fields"] = {"output_stride": fields["output_stride"], "sigma_px": fields["sigma"]}
    if classes := head.get("class_maps"):
        stride = classes["output_stride"]
        more["class_maps"] = {"output_stride": stride, "radius_px": max(classes["sigma"], stride)}
    if named := classes or head.get("class_vectors"):
        more["identities"] = check_classes(named["classes"])
    return HeadConfig(output_stride=maps["output_stride"], sigma_px=maps["sigma"], **more)


def _read_backbone(backbones: Mapping[str, Any]) -> UNet:
    given = {name: settings for name, settings in backbones.items() if settings is not None}
    if len(given) != 1:
        raise ValueError(f"model.backbone must have one network, got {', '.join(given) or 'none'}")
    ((name, settings),) = given.items()
    stride = PRETRAINED_STRIDE if name == "pretrained_encoder" else settings["max_stride"]
    if not isinstance(stride, int) or stride < 1 or stride & (stride - 1):
        raise ValueError(f"max_stride must be a power of 2, got {stride}")
    blocks = stride.bit_length() - 1
    if name != "unet":
        return UNet(down_blocks=blocks)
    up = "bilinear" if settings.get("up_interpolate") else "transposed"
    return UNet(down_blocks=blocks, filters=settings["filters"], growth=settings["filters_rate"], up=up)


def choose_graph(
    graphs: Iterable[Any] | None, name_nodes: Callable[[Any], list[str]], parts: list[str] | None
) -> Mapping[str, Any]:
    """The graph that a model has learnt, of those of its labels: not one that holds none or other nodes than its maps.

    Args: name_nodes: names of a graph's nodes. parts: nodes of the maps; None: any.

    Raises: ValueError for none.
    """
    for graph in graphs or ():
        names = name_nodes(graph)
        if names and set(parts or ()) <= set(names):
            found: Mapping[str, Any] = graph
            return found
    wanted = f"the nodes {', '.join(parts)}" if parts else "nodes"
    raise ValueError(f"skeletons must have one with {wanted}, got none (settings from before the training have none)")


def _name_nodes(graph: Mapping[str, Any]) -> list[str]:
    seen = list(_find_objects(graph))
    return [_node_name(node["id"], seen) for node in graph["nodes"]]


def _read_skeleton(graph: Mapping[str, Any], parts: list[str] | None, fields: Mapping[str, Any] | None) -> Skeleton:
    """Nodes in the order of the maps' channels, and edges in that of the fields', where the heads name them."""
    nodes, seen = _name_nodes(graph), list(_find_objects(graph))
    pairs: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for link in sorted(graph["links"], key=lambda link: link.get("edge_insert_idx") or 0):
        ends = _node_name(link["source"], seen), _node_name(link["target"], seen)
        pairs[_edge_type(link["type"], seen) == SYMMETRY].append(ends)
    return arrange_skeleton(nodes, pairs[False], pairs[True], parts, fields)


def arrange_skeleton(
    nodes: list[str],
    edges: Sequence[tuple[str, str]],
    pairs: Iterable[Sequence[str]],
    parts: list[str] | None,
    fields: Mapping[str, Any] | None,
) -> Skeleton:
    """The skeleton of a model of SLEAP's, as its heads have it.

    Args:
        nodes, edges, pairs: of the settings' graph; pairs of symmetric nodes, each maybe twice.
        parts: nodes in the order of the maps' channels. fields: the head of edges, which may order them.

    Raises: ValueError where an edge joins what is no node.
    """
    if fields and fields.get("edges"):
        edges = [(source, target) for source, target in fields["edges"]]
    symmetries = list(dict.fromkeys((min(ends), max(ends)) for ends in pairs))
    names = parts or nodes
    missing = {name for ends in (*edges, *symmetries) for name in ends} - set(names)
    if missing:
        raise ValueError(f"edges must join nodes of {', '.join(names)}, got {', '.join(sorted(missing))}")
    return Skeleton.from_names(names, edges, symmetries)


def _find_objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a jsonpickle document, in its order: a reference `py/id` counts them from 1."""
    if isinstance(value, Mapping):
        if "py/object" in value or "py/reduce" in value:
            yield value
            return  # nodes and edge types hold no others
        for part in value.values():
            yield from _find_objects(part)
    elif isinstance(value, list):
        for part in value:
            yield from _find_objects(part)


def _look_up(value: Mapping[str, Any], seen: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return seen[value["py/id"] - 1] if "py/id" in value else value


def _node_name(value: Mapping[str, Any], seen: list[Mapping[str, Any]]) -> str:
    node = _look_up(value, seen)
    state = node.get("py/state", node)
    return str(state["py/tuple"][0] if "py/tuple" in state else state["name"])


def _edge_type(value: Mapping[str, Any], seen: list[Mapping[str, Any]]) -> int:
    return int(_look_up(value, seen)["py/reduce"][1]["py/tuple"][0])
