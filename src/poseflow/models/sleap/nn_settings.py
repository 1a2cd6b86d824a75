"""What today's SLEAP (1.5 on, sleap-nn) writes beside a trained model: `training_config.yaml`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from poseflow.config import KINDS, HeadConfig, InputConfig, ModelConfig
from poseflow.config.section import Section
from poseflow.core.errors import ModelError, SkeletonError
from poseflow.core.skeleton import Skeleton
from poseflow.models.profile import ModelFolder
from poseflow.models.sleap.settings import arrange_skeleton, check_classes, check_sides, choose_graph, find_scale
from poseflow.networks.backbones.unet import UNet

SETTINGS = "training_config.yaml"
WEIGHTS = "best.ckpt"

OUR_KINDS = {
    "single_instance": "single_instance",
    "centroid": "centroid",
    "centered_instance": "centered_instance",
    "bottomup": "bottom_up",
    "multi_class_topdown": "multi_class_top_down",
    "multi_class_bottomup": "multi_class_bottom_up",
}
LARGEST = 16 * 2**20  # bytes; those of sleap-nn have a few thousand


class NNUNet(Section):
    """`model_config.backbone_config.unet`, with the defaults of sleap-nn, as far as inference needs it."""

    in_channels: int = Field(1, ge=1, le=4)
    kernel_size: int = Field(3, ge=1, le=63)
    filters: int = Field(32, ge=1, le=4096)
    filters_rate: float = Field(1.5, ge=1, le=8)
    max_stride: int = Field(16, ge=2, le=128)
    stem_stride: int | None = None
    middle_block: bool = True
    up_interpolate: bool = True
    stacks: int = 1
    convs_per_block: int = Field(2, ge=1, le=16)
    output_stride: int = Field(1, ge=1, le=128)

    def filters_at(self, level: int) -> int:
        """Filters of the encoder's block of that number, and of the decoder's of the same stride."""
        return int(self.filters * self.filters_rate**level)


class NNArchitecture(Section):
    """What the names and sizes of tensors in a checkpoint follow from."""

    unet: NNUNet
    sigmoid_centroid: bool = False
    dense_layers: int = Field(1, ge=0, le=16)
    dense_units: int = Field(64, ge=1)
    global_pool: bool = True


def read_nn_folder(folder: Path) -> ModelFolder:
    """Read a folder's `training_config.yaml`; raises ModelError naming the file, the fault and what was expected."""
    return _read(folder, _translate)


def read_architecture(folder: Path) -> NNArchitecture:
    """What the same file says of the network; raises as `read_nn_folder`."""
    return _read(folder, _describe_network)


def _read(folder: Path, translate: Any) -> Any:
    path = folder / SETTINGS
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it must have at most {LARGEST} bytes, got {path.stat().st_size}")
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(values, Mapping) or not {"data_config", "model_config"} <= values.keys():
            raise ValueError("it must have data_config and model_config, got others")
        return translate(values, folder)
    except (OSError, ValueError, SkeletonError, yaml.YAMLError) as error:
        raise ModelError(f"{path}: must be the settings of a model of sleap-nn: {_one_line(error)}") from None
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        kind = type(error).__name__
        raise ModelError(f"{path}: must be the settings of a model of sleap-nn, got others ({kind}: {error})") from None


def _one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return " ".join(str(error).split())


def _translate(values: Mapping[str, Any], folder: Path) -> ModelFolder:
    name, head = _only(values["model_config"]["head_configs"], "model_config.head_configs", OUR_KINDS)
    unet = _describe_network(values, folder).unet
    maps, preprocessing = head["confmaps"], values["data_config"].get("preprocessing") or {}
    sees_crops = KINDS[OUR_KINDS[name]].sampler == "crops"
    _check_preprocessing(preprocessing, sees_crops)
    config = ModelConfig(
        kind=OUR_KINDS[name],
        input=InputConfig(
            channels=3 if unet.in_channels == 3 else 1,
            scale=find_scale(preprocessing.get("scale")),
            crop_px=preprocessing.get("crop_size") if sees_crops else None,
            anchor=maps.get("anchor_part"),
        ),
        backbone=UNet(
            down_blocks=unet.max_stride.bit_length() - 1,
            filters=unet.filters,
            growth=unet.filters_rate,
            up="bilinear" if unet.up_interpolate else "transposed",
        ),
        head=_read_head(head, maps),
    )
    skeleton = _read_skeleton(values["data_config"]["skeletons"], maps.get("part_names"), head.get("pafs"))
    shown = {"model_config": _without_nothing(values["model_config"]), "preprocessing": preprocessing}
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    size = (preprocessing.get("max_height"), preprocessing.get("max_width"))
    check_sides("preprocessing.max_height and max_width", size)
    return ModelFolder(folder, config, skeleton, text, None if size == (None, None) else size)


def _only(values: Mapping[str, Any], what: str, known: Iterable[str]) -> tuple[str, Mapping[str, Any]]:
    """The one entry that is not empty."""
    given = {name: entry for name, entry in values.items() if entry is not None}
    if len(given) != 1 or not given.keys() <= set(known):
        raise ValueError(f"{what} must have one of {', '.join(known)}, got {', '.join(given) or 'none'}")
    return next(iter(given.items()))


def _without_nothing(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {name: _without_nothing(entry) for name, entry in values.items() if entry is not None}
    return values


def _describe_network(values: Mapping[str, Any], folder: Path) -> NNArchitecture:
    _, settings = _only(values["model_config"]["backbone_config"], "model_config.backbone_config", ["unet"])
    unet = NNUNet(**{key: value for key, value in settings.items() if key in NNUNet.model_fields})
    # As sleap-nn 0.3.5 builds them, networks with these cannot be run, or draw maps of another stride than they say.
    for key, usual in (("stacks", 1), ("middle_block", True)):
        if getattr(unet, key) != usual:
            raise ValueError(f"backbone_config.unet.{key} must be {usual}, got {getattr(unet, key)}")
    if unet.stem_stride not in (None, 1):
        raise ValueError(f"backbone_config.unet.stem_stride must be null, got {unet.stem_stride}")
    for key, least in (("max_stride", 2), ("output_stride", 1)):
        stride = getattr(unet, key)
        if stride & (stride - 1):
            raise ValueError(f"backbone_config.unet.{key} must be a power of 2, at least {least}, got {stride}")
    _, head = _only(values["model_config"]["head_configs"], "model_config.head_configs", OUR_KINDS)
    vectors = head.get("class_vectors") or {}
    return NNArchitecture(
        unet=unet,
        sigmoid_centroid=bool(head["confmaps"].get("use_sigmoid_activation")),
        dense_layers=vectors.get("num_fc_layers", 1),
        dense_units=vectors.get("num_fc_units", 64),
        global_pool=vectors.get("global_pool", True),
    )


def _check_preprocessing(preprocessing: Mapping[str, Any], sees_crops: bool) -> None:
    if sees_crops and not preprocessing.get("crop_size"):
        raise ValueError("preprocessing.crop_size must be a number of px, got none")
    if preprocessing.get("crop_mode", "fixed") != "fixed":
        raise ValueError(f"preprocessing.crop_mode must be fixed, got {preprocessing['crop_mode']}")
    tiling = preprocessing.get("tiling") or {}
    if tiling.get("enabled"):
        raise ValueError("preprocessing.tiling must not be enabled, got frames that are cut into tiles")


def _read_head(head: Mapping[str, Any], maps: Mapping[str, Any]) -> HeadConfig:
    more: dict[str, Any] = {}
    if fields := head.get("pafs"):
        more["part_affinity_fields"] = {
            "output_stride": fields.get("output_stride", 1),
            "sigma_px": fields.get("sigma", 15.0),
        }
    if classes := head.get("class_maps"):
        stride = classes.get("output_stride", 1)
        more["class_maps"] = {"output_stride": stride, "radius_px": max(classes.get("sigma", 5.0), stride)}
    if named := classes or head.get("class_vectors"):
        more["identities"] = check_classes(named["classes"])
    return HeadConfig(output_stride=maps.get("output_stride", 1), sigma_px=maps.get("sigma", 5.0), **more)


def _name_nodes(graph: Mapping[str, Any]) -> list[str]:
    return [node["name"] for node in graph["nodes"]]


def _read_skeleton(graphs: Any, parts: list[str] | None, fields: Mapping[str, Any] | None) -> Skeleton:
    """Nodes in the order of the maps' channels, and edges in that of the fields', where the heads name them."""
    graph = choose_graph(graphs.values() if isinstance(graphs, Mapping) else graphs, _name_nodes, parts)
    nodes = _name_nodes(graph)
    edges = [(edge["source"]["name"], edge["destination"]["name"]) for edge in graph.get("edges") or []]
    pairs = [[node["name"] for node in pair] for pair in graph.get("symmetries") or []]
    return arrange_skeleton(nodes, edges, pairs, parts, fields)
