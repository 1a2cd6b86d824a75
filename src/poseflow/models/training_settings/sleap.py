"""SLEAP (1.0 to 1.4): `training_config.json`, also the profiles of its GUI, which know no labels yet."""

from collections.abc import Callable, Mapping
from typing import Any

from poseflow.config import KINDS, ModelConfig
from poseflow.config.parts import BACKBONES
from poseflow.models.sleap.settings import OUR_KINDS, PRETRAINED_STRIDE
from poseflow.models.training_settings.ledger import Ledger
from poseflow.models.training_settings.shared import (
    HALVING,
    LABELS_ELSEWHERE,
    LOADING_ELSEWHERE,
    RESULTS_ELSEWHERE,
    STEPS_PER_EPOCH,
    count_bits,
    count_levels,
    describe_filters,
    only,
    read_head,
    take_hard_nodes,
    take_range,
    without_nothing,
)

GREY_LEVELS = 255
HOURGLASS_STRIDE = 4
"""Of an hourglass's stem."""
PRETRAINED = "imagenet"


def recognize(values: Mapping[str, Any]) -> bool:
    """Whether settings are SLEAP's."""
    model = values.get("model")
    has_both = isinstance(model, Mapping) and {"heads", "backbone"} <= model.keys()
    return "data" in values and has_both and "train_settings" not in values  # which DeepLabCut's have


def translate(ledger: Ledger) -> ModelConfig:
    """The profile; raises ValueError."""
    name = only(ledger, "model.heads", OUR_KINDS)
    kind = OUR_KINDS[name]
    sees_crops = KINDS[kind].sampler == "crops"
    head = _read_head(ledger, f"model.heads.{name}")
    section = _maps_section(ledger, f"model.heads.{name}")
    values = {
        "kind": kind,
        "input": _read_input(ledger, section, sees_crops),
        "backbone": _read_backbone(ledger, head["output_stride"]),
        "head": head,
        "augmentation": _read_augmentation(ledger, sees_crops),
        "training": _read_training(ledger),
    }
    ledger.leave("data.labels", LABELS_ELSEWHERE)
    ledger.leave("outputs", RESULTS_ELSEWHERE)
    for path in ("name", "description", "sleap_version", "filename"):
        ledger.leave(path, "what the file says of itself")
    return ModelConfig.model_validate(values)


def _maps_section(ledger: Ledger, section: str) -> str:
    return f"{section}.confmaps" if "confmaps" in ledger.parts_of(section) else section


def _read_input(ledger: Ledger, maps: str, sees_crops: bool) -> dict[str, Any]:
    own = "data.preprocessing"
    is_rgb, is_grey = (bool(ledger.take(f"{own}.{name}")) for name in ("ensure_rgb", "ensure_grayscale"))
    if not is_rgb and not is_grey:
        for name in ("ensure_rgb", "ensure_grayscale"):
            ledger.say(f"{own}.{name}", "recordings' own colors there; grey here (input.channels)")
    ledger.same(f"{own}.imagenet_mode")
    padding = ledger.take("model.backbone.unet.max_stride", PRETRAINED_STRIDE)
    ledger.same(f"{own}.pad_to_stride", padding, 1)
    if not ledger.take(f"{own}.target_height") and not ledger.take(f"{own}.target_width"):
        ledger.switch_off(f"{own}.resize_and_pad_to_target")
    else:
        for name in ("resize_and_pad_to_target", "target_height", "target_width"):
            ledger.say(f"{own}.{name}", "no counterpart; networks learn from frames of their own size")
    anchor, center = ledger.take(f"{maps}.anchor_part"), ledger.take("data.instance_cropping.center_on_part")
    if anchor and center and anchor != center:
        ledger.say("data.instance_cropping.center_on_part", f"the head's anchor_part counts, {anchor}")
    anchor = anchor or center
    crop_px = ledger.take("data.instance_cropping.crop_size")
    if not sees_crops:
        ledger.switch_off("data.instance_cropping.crop_size")
    if not sees_crops or crop_px:
        ledger.switch_off("data.instance_cropping.crop_size_detection_padding")
    scale = ledger.take(f"{own}.input_scaling")
    own_crop = int(crop_px) if sees_crops and crop_px else None
    return without_nothing({"channels": 3 if is_rgb else 1, "scale": scale, "crop_px": own_crop, "anchor": anchor})


def _read_backbone(ledger: Ledger, finest: int) -> dict[str, Any]:
    found = ledger.parts_of("model.backbone")
    if len(found) != 1:
        raise ValueError(f"model.backbone must have one network, got {', '.join(found) or 'none'}")
    own = f"model.backbone.{found[0]}"
    if found[0] in BACKBONES_OF:
        ledger.same(f"{own}.output_stride", finest)
        return BACKBONES_OF[found[0]](ledger, own)
    ledger.leave(own, "no counterpart; the UNet of the defaults is in its place")
    return {}


def _read_unet(ledger: Ledger, own: str) -> dict[str, Any]:
    levels = count_levels(ledger, f"{own}.max_stride", 16)
    filters, growth = int(ledger.take(f"{own}.filters", 64)), float(ledger.take(f"{own}.filters_rate", 2))
    describe_filters(ledger, f"{own}.filters", filters, growth, levels)
    return {
        "down_blocks": levels,
        "filters": filters,
        "growth": growth,
        "up": "bilinear" if ledger.take(f"{own}.up_interpolate") else "transposed",
        "stem_stride": ledger.take(f"{own}.stem_stride", 1),
        "middle": ledger.take(f"{own}.middle_block", True),
        "stacks": ledger.take(f"{own}.stacks", 1),
    }


def _read_leap(ledger: Ledger, own: str) -> dict[str, Any]:
    levels = count_levels(ledger, f"{own}.max_stride", 8)
    filters, growth = int(ledger.take(f"{own}.filters", 64)), float(ledger.take(f"{own}.filters_rate", 2))
    describe_filters(ledger, f"{own}.filters", filters, growth, levels)
    ledger.same(f"{own}.stacks", 1)
    up = "bilinear" if ledger.take(f"{own}.up_interpolate") else "transposed"
    return {"name": "leap", "down_blocks": levels, "filters": filters, "growth": growth, "up": up}


def _read_hourglass(ledger: Ledger, own: str) -> dict[str, Any]:
    ledger.same(f"{own}.stem_stride", HOURGLASS_STRIDE)
    return {
        "name": "hourglass",
        "down_blocks": count_levels(ledger, f"{own}.max_stride", 64) - count_bits(HOURGLASS_STRIDE),
        "stem_filters": ledger.take(f"{own}.stem_filters", 128),
        "width": ledger.take(f"{own}.filters", 256),
        "width_increase": ledger.take(f"{own}.filter_increase", 128),
        "stacks": ledger.take(f"{own}.stacks", 3),
    }


def _read_encoder(ledger: Ledger, own: str) -> dict[str, Any]:
    """An encoder of a library, if it is one of those here; its decoder is ours."""
    name = str(ledger.take(f"{own}.encoder", "efficientnetb0"))
    if name not in BACKBONES:
        ledger.say(f"{own}.encoder", "no counterpart; the UNet of the defaults is in its place")
        ledger.leave(own, "no counterpart")
        return {}
    if not ledger.take(f"{own}.pretrained", True):
        return {"name": name}
    known = BACKBONES[name].model_validate({"name": name}).find_pretrained()
    if PRETRAINED not in known:
        ledger.say(f"{own}.pretrained", "no such weights are known here; the network begins from random ones")
        return {"name": name}
    return {"name": name, "weights": PRETRAINED}


BACKBONES_OF: dict[str, Callable[[Ledger, str], dict[str, Any]]] = {
    "unet": _read_unet,
    "leap": _read_leap,
    "hourglass": _read_hourglass,
    "pretrained_encoder": _read_encoder,
}
"""SLEAP's networks that are here too."""


def _read_head(ledger: Ledger, section: str) -> dict[str, Any]:
    maps = _maps_section(ledger, section)
    head = read_head(ledger, section, maps)
    ledger.same(f"{maps}.offset_refinement", False)
    if "class_vectors" in ledger.parts_of(section):
        ledger.same(f"{section}.class_vectors.output_stride", ledger.take("model.backbone.unet.max_stride"))
    return without_nothing(head)


def _read_augmentation(ledger: Ledger, sees_crops: bool) -> dict[str, Any]:
    own = "optimization.augmentation_config"
    changes: dict[str, Any] = {
        "rotation_deg": 0.0, "scale": (1.0, 1.0), "shift_px": 0.0, "flip": False, "brightness": 0.0, "contrast": 0.0,
        "noise": 0.0,
    }  # fmt: skip

    def is_on(name: str) -> bool:
        return bool(ledger.take(f"{own}.{name}"))

    if is_on("rotate"):
        least, greatest = f"{own}.rotation_min_angle", f"{own}.rotation_max_angle"
        changes["rotation_deg"] = min(take_range(ledger, least, greatest, "turned"), 180.0)
    if is_on("scale"):
        changes["scale"] = (ledger.take(f"{own}.scale_min", 0.9), ledger.take(f"{own}.scale_max", 1.1))
    if is_on("translate"):
        reach = take_range(ledger, f"{own}.translate_min", f"{own}.translate_max", "shifted")
        if sees_crops:
            changes["shift_px"] = reach
        else:
            ledger.say(f"{own}.translate", "no counterpart; whole frames are not shifted")
    if is_on("brightness"):
        reach = take_range(ledger, f"{own}.brightness_min_val", f"{own}.brightness_max_val", "added")
        changes["brightness"] = min(reach / GREY_LEVELS, 1.0)
    if is_on("contrast"):
        least, greatest = ledger.take(f"{own}.contrast_min_gamma", 0.5), ledger.take(f"{own}.contrast_max_gamma", 2.0)
        changes["gamma"] = (least, greatest)
    if is_on("gaussian_noise"):
        changes["noise"] = min(ledger.take(f"{own}.gaussian_noise_stddev", 1.0) / GREY_LEVELS, 1.0)
        ledger.same(f"{own}.gaussian_noise_mean", 0, 0.0)
    if is_on("random_crop"):
        changes["window_px"] = _take_window(ledger, f"{own}.random_crop_height", f"{own}.random_crop_width")
    if is_on("random_flip"):
        changes["flip"] = True
        ledger.same(f"{own}.flip_horizontal", True)
    if not is_on("uniform_noise"):
        ledger.switch_off(f"{own}.uniform_noise_min_val")
        ledger.switch_off(f"{own}.uniform_noise_max_val")
    else:
        ledger.say(f"{own}.uniform_noise", "no counterpart; noise is normal here (augmentation.noise)")
    _switch_off(ledger, own)
    return changes


OF_SWITCHES = {
    "rotate": ("rotation_min_angle", "rotation_max_angle"),
    "scale": ("scale_min", "scale_max"),
    "translate": ("translate_min", "translate_max"),
    "brightness": ("brightness_min_val", "brightness_max_val"),
    "contrast": ("contrast_min_gamma", "contrast_max_gamma"),
    "gaussian_noise": ("gaussian_noise_mean", "gaussian_noise_stddev"),
    "random_crop": ("random_crop_height", "random_crop_width"),
    "random_flip": ("flip_horizontal",),
}
"""Settings of augmentation that act only where another is true."""


def _switch_off(ledger: Ledger, section: str) -> None:
    for switch, names in OF_SWITCHES.items():
        if not ledger.take(f"{section}.{switch}"):
            for name in names:
                ledger.switch_off(f"{section}.{name}")


def _take_window(ledger: Ledger, height: str, width: str) -> int:
    sides = int(ledger.take(height, 256)), int(ledger.take(width, 256))
    if sides[0] != sides[1]:
        for path in (height, width):
            ledger.say(path, f"a square of {max(sides)} px")
    return max(sides)


def _read_training(ledger: Ledger) -> dict[str, Any]:
    own = "optimization"
    for name in ("preload_data", "online_shuffling", "shuffle_buffer_size", "prefetch"):
        ledger.leave(f"{own}.{name}", LOADING_ELSEWHERE)
    batch, epochs = int(ledger.take(f"{own}.batch_size", 8)), int(ledger.take(f"{own}.epochs", 100))
    steps = ledger.take(f"{own}.batches_per_epoch")
    if steps:
        ledger.switch_off(f"{own}.min_batches_per_epoch")
    ledger.same(f"{own}.min_batches_per_epoch", STEPS_PER_EPOCH)
    val_steps = ledger.take(f"{own}.val_batches_per_epoch")
    if val_steps:
        ledger.switch_off(f"{own}.min_val_batches_per_epoch")
    ledger.same(f"{own}.optimizer", "adam")
    values = {
        "batch_size": batch,
        "max_epochs": epochs,
        "steps_per_epoch": steps,
        "learning_rate": ledger.take(f"{own}.initial_learning_rate", 1e-4),
        "max_val_samples": val_steps * batch if val_steps else None,
        "schedule": "plateau",
        "plateau_epochs": epochs,
        "hard_nodes": take_hard_nodes(ledger, f"{own}.hard_keypoint_mining"),
    }
    plateau = f"{own}.learning_rate_schedule"
    if ledger.take(f"{plateau}.reduce_on_plateau"):
        values["plateau_epochs"] = ledger.take(f"{plateau}.plateau_patience", 20)
        ledger.same(f"{plateau}.reduction_factor", HALVING)
    else:
        ledger.switch_off(plateau)
    stopping = f"{own}.early_stopping"
    stop = None
    if ledger.take(f"{stopping}.stop_training_on_plateau"):
        stop = ledger.take(f"{stopping}.plateau_patience", 10)
    else:
        ledger.switch_off(stopping)
    return {**without_nothing(values), "early_stop_epochs": stop}
