"""SLEAP 1.5 on (sleap-nn): `training_config.yaml`."""

from collections.abc import Mapping
from typing import Any

from poseflow.config import KINDS, ModelConfig
from poseflow.models.sleap.nn_settings import OUR_KINDS
from poseflow.models.training_settings.ledger import Ledger
from poseflow.models.training_settings.shared import (
    HALVING,
    LABELS_ELSEWHERE,
    LOADING_ELSEWHERE,
    RESULTS_ELSEWHERE,
    STEPS_PER_EPOCH,
    count_levels,
    describe_filters,
    only,
    read_head,
    take_hard_nodes,
    take_range,
    without_nothing,
)

UNETS = {
    "unet": {"filters": 32, "filters_rate": 1.5, "max_stride": 16},
    "unet_medium_rf": {"filters": 32, "filters_rate": 2.0, "max_stride": 16},
    "unet_large_rf": {"filters": 24, "filters_rate": 1.5, "max_stride": 32},
}
"""Presets of sleap-nn, and what their settings are where the file does not say."""
MACHINE = (
    "trainer_devices", "trainer_device_indices", "trainer_accelerator", "trainer_strategy", "profiler",
    "enable_progress_bar",
)  # fmt: skip
RESULTS = (
    "model_ckpt", "save_ckpt", "ckpt_dir", "run_name", "resume_ckpt_path", "use_wandb", "wandb", "zmq", "keep_viz",
    "visualize_preds_during_training", "viz_img_format",
)  # fmt: skip
FEEDING = (
    "provider", "data_pipeline_fw", "cache_img_path", "use_existing_imgs", "delete_cache_imgs_after_training",
    "parallel_caching", "cache_workers",
)  # fmt: skip
LABELS = (
    "train_labels_path", "val_labels_path", "test_file_path", "validation_fraction", "use_same_data_for_val",
    "split", "identity", "skeletons",
)  # fmt: skip


def recognize(values: Mapping[str, Any]) -> bool:
    """Whether settings are sleap-nn's."""
    return {"data_config", "model_config"} <= values.keys()


def translate(ledger: Ledger) -> ModelConfig:
    """The profile; raises ValueError."""
    heads = "model_config.head_configs"
    name = only(ledger, heads, OUR_KINDS)
    kind = OUR_KINDS[name]
    sees_crops = KINDS[kind].sampler == "crops"
    head = _read_head(ledger, f"{heads}.{name}")
    values = {
        "kind": kind,
        "input": _read_input(ledger, f"{heads}.{name}.confmaps", sees_crops),
        "backbone": _read_backbone(ledger, head["output_stride"]),
        "head": head,
        "augmentation": _read_augmentation(ledger, sees_crops),
        "training": _read_training(ledger),
    }
    for name in LABELS:
        ledger.leave(f"data_config.{name}", LABELS_ELSEWHERE)
    for name in FEEDING:
        ledger.leave(f"data_config.{name}", LOADING_ELSEWHERE)
    ledger.same("data_config.user_instances_only", True)
    ledger.same("model_config.init_weights", "default", "xavier")
    ledger.leave("model_config.total_params", "counted from the rest")
    for path in ("name", "description", "sleap_nn_version", "filename"):
        ledger.leave(path, "what the file says of itself")
    return ModelConfig.model_validate(values)


def _read_input(ledger: Ledger, maps: str, sees_crops: bool) -> dict[str, Any]:
    own = "data_config.preprocessing"
    is_rgb, is_grey = (bool(ledger.take(f"{own}.{name}")) for name in ("ensure_rgb", "ensure_grayscale"))
    channels = _channels(ledger)
    if is_rgb or is_grey:
        channels = 3 if is_rgb else 1
    for name in ("max_height", "max_width"):
        if ledger.take(f"{own}.{name}"):
            ledger.say(f"{own}.{name}", "no counterpart; networks learn from frames of their own size")
    crop_px = ledger.take(f"{own}.crop_size")
    if not sees_crops:
        ledger.switch_off(f"{own}.crop_size")
    if not sees_crops or crop_px:
        ledger.switch_off(f"{own}.min_crop_size")
        ledger.switch_off(f"{own}.crop_padding")
    ledger.same(f"{own}.crop_mode", "fixed")
    if ledger.take(f"{own}.crop_mode", "fixed") == "fixed":
        for name in ("crop_bbox_aspect", "crop_bbox_padding", "crop_bbox_min_size"):
            ledger.switch_off(f"{own}.{name}")
    if not ledger.take(f"{own}.tiling.enabled"):
        ledger.switch_off(f"{own}.tiling")
    else:
        ledger.say(f"{own}.tiling.enabled", "no counterpart; augmentation.window_px trains on squares")
    if not ledger.take(f"{own}.burn_in"):
        ledger.switch_off(f"{own}.burn_in")
        ledger.switch_off(f"{own}.background_fill")
    ledger.same(f"{own}.crop_centering", "auto")
    if ledger.take(f"{maps}.anchor_part"):
        ledger.same(f"{maps}.centroid_method", "anchor")
        ledger.same(f"{maps}.centroid_fallback", "bbox_center")
    else:
        ledger.same(f"{maps}.centroid_method", "bbox_center")
        ledger.switch_off(f"{maps}.centroid_fallback")
    return without_nothing(
        {
            "channels": channels,
            "scale": ledger.take(f"{own}.scale"),
            "crop_px": int(crop_px) if sees_crops and crop_px else None,
            "anchor": ledger.take(f"{maps}.anchor_part"),
        }
    )


def _channels(ledger: Ledger) -> int:
    """Of the images that the network takes: grey, or red, green and blue."""
    section = "model_config.backbone_config"
    channels = next((ledger.take(f"{section}.{part}.in_channels", 1) for part in ledger.parts_of(section)), 1)
    if channels not in (1, 3):
        raise ValueError(f"{section}: in_channels must be 1 or 3, got {channels}")
    return int(channels)


def _read_backbone(ledger: Ledger, finest: int) -> dict[str, Any]:
    section = "model_config.backbone_config"
    found = ledger.parts_of(section)
    if len(found) != 1:
        raise ValueError(f"{section} must have one network, got {', '.join(found) or 'none'}")
    (name,) = found
    own = f"{section}.{name}"
    for path in ("pretrained_backbone_weights", "pretrained_head_weights"):
        ledger.leave(f"model_config.{path}", "no counterpart; networks begin from random weights")
    if name not in UNETS:
        ledger.leave(own, "no counterpart; the UNet of the defaults is in its place")
        return {}
    usual = UNETS[name]
    levels = count_levels(ledger, f"{own}.max_stride", int(usual["max_stride"]))
    filters = int(ledger.take(f"{own}.filters", usual["filters"]))
    growth = float(ledger.take(f"{own}.filters_rate", usual["filters_rate"]))
    describe_filters(ledger, f"{own}.filters", filters, growth, levels)
    ledger.same(f"{own}.output_stride", finest)
    return {
        "down_blocks": levels,
        "filters": filters,
        "growth": growth,
        "convs_per_block": ledger.take(f"{own}.convs_per_block", 2),
        "kernel_size": ledger.take(f"{own}.kernel_size", 3),
        "stem_stride": ledger.take(f"{own}.stem_stride", 1),
        "middle": ledger.take(f"{own}.middle_block", True),
        "stacks": ledger.take(f"{own}.stacks", 1),
        "up": "bilinear" if ledger.take(f"{own}.up_interpolate", True) else "transposed",
    }


def _read_head(ledger: Ledger, section: str) -> dict[str, Any]:
    maps = f"{section}.confmaps"
    head = read_head(ledger, section, maps)
    ledger.same(f"{maps}.use_sigmoid_activation", False)
    ledger.same(f"{maps}.focal_loss_alpha", 0.0)
    if not ledger.take(f"{maps}.focal_loss_alpha"):
        ledger.switch_off(f"{maps}.focal_loss_beta")
        ledger.switch_off(f"{maps}.focal_loss_pos_threshold")
    parts = ledger.parts_of(section)
    for part in ("class_maps", "class_vectors"):
        if part in parts:
            ledger.same(f"{section}.{part}.class_output", "track")
    if "class_vectors" in parts:
        ledger.leave(f"{section}.class_vectors.output_stride", "class vectors are of the deepest features")
    return without_nothing(head)


def _read_augmentation(ledger: Ledger, sees_crops: bool) -> dict[str, Any]:
    own = "data_config.augmentation_config"
    changes: dict[str, Any] = {
        "rotation_deg": 0.0, "scale": (1.0, 1.0), "shift_px": 0.0, "flip": False, "brightness": 0.0, "contrast": 0.0,
        "noise": 0.0,
    }  # fmt: skip
    if not ledger.take("data_config.use_augmentations_train", False):
        ledger.switch_off(own)
        return changes
    geometric, intensity = f"{own}.geometric", f"{own}.intensity"
    # Files of older versions have one probability for all three.
    affine = float(ledger.take(f"{geometric}.affine_p", 0.0))

    def is_on(section: str, name: str, former: float | None = None) -> bool:
        path = f"{section}.{name}_p"
        chance = ledger.take(path, former)
        if not chance:
            return False
        if chance < 1:
            ledger.say(path if ledger.has(path) else f"{geometric}.affine_p", f"{name}: every sample is changed here")
        return True

    if is_on(geometric, "rotation", affine):
        least, greatest = f"{geometric}.rotation_min", f"{geometric}.rotation_max"
        changes["rotation_deg"] = min(take_range(ledger, least, greatest, "turned"), 180.0)
    else:
        _switch_off(ledger, geometric, "rotation_min", "rotation_max")
    if is_on(geometric, "scale", affine):
        changes["scale"] = (ledger.take(f"{geometric}.scale_min", 0.9), ledger.take(f"{geometric}.scale_max", 1.1))
    else:
        _switch_off(ledger, geometric, "scale_min", "scale_max")
    if is_on(geometric, "translate", affine):
        for name in ("translate_width", "translate_height"):
            if ledger.take(f"{geometric}.{name}"):
                ledger.say(
                    f"{geometric}.{name}", "a part of the image there; px of a crop here (augmentation.shift_px)"
                )
    else:
        _switch_off(ledger, geometric, "translate_width", "translate_height")
    if is_on(geometric, "flip"):
        changes["flip"] = True
    for name in ("erase", "mixup"):
        if not ledger.take(f"{geometric}.{name}_p"):
            _switch_off(ledger, geometric, *(own for own in ledger.names_in(geometric) if own.startswith(f"{name}_")))
        else:
            ledger.say(f"{geometric}.{name}_p", "no counterpart")
    _read_intensity(ledger, intensity, changes, is_on)
    return changes


def _read_intensity(ledger: Ledger, section: str, changes: dict[str, Any], is_on: Any) -> None:
    for name, most, told in (
        ("brightness", 1.0, "a factor there; ± {:g} of the range is added here"),
        ("contrast", 0.99, "a factor of 1 ± {:g} here"),
    ):
        ends = (f"{name}_min", f"{name}_max")
        if not is_on(section, name):
            _switch_off(ledger, section, *ends)
            continue
        least, greatest = (ledger.take(f"{section}.{end}", usual) for end, usual in zip(ends, (0.9, 1.1), strict=True))
        changes[name] = min(max(1 - least, greatest - 1, 0.0), most)
        for end in ends:
            ledger.say(f"{section}.{end}", told.format(changes[name]))
    if is_on(section, "gaussian_noise"):
        changes["noise"] = min(ledger.take(f"{section}.gaussian_noise_std", 0.02), 1.0)
        ledger.same(f"{section}.gaussian_noise_mean", 0, 0.0)
    else:
        _switch_off(ledger, section, "gaussian_noise_mean", "gaussian_noise_std")
    if is_on(section, "uniform_noise"):
        ledger.say(f"{section}.uniform_noise_p", "no counterpart; noise is normal here (augmentation.noise)")
    else:
        _switch_off(ledger, section, "uniform_noise_min", "uniform_noise_max")


def _switch_off(ledger: Ledger, section: str, *names: str) -> None:
    for name in names:
        ledger.switch_off(f"{section}.{name}")


def _read_training(ledger: Ledger) -> dict[str, Any]:
    own = "trainer_config"
    for name in MACHINE:
        ledger.leave(f"{own}.{name}", "machines are the workflow's (resources)")
    for name in RESULTS:
        ledger.leave(f"{own}.{name}", RESULTS_ELSEWHERE)
    for name in ("train_data_loader.num_workers", "val_data_loader"):
        ledger.leave(f"{own}.{name}", LOADING_ELSEWHERE)
    ledger.same(f"{own}.train_data_loader.shuffle", True)
    epochs = int(ledger.take(f"{own}.max_epochs", 100))
    steps = ledger.take(f"{own}.train_steps_per_epoch")
    if steps:
        ledger.switch_off(f"{own}.min_train_steps_per_epoch")
    ledger.same(f"{own}.min_train_steps_per_epoch", STEPS_PER_EPOCH)
    ledger.same(f"{own}.optimizer_name", "Adam")
    ledger.same(f"{own}.optimizer.amsgrad", False)
    if not ledger.take(f"{own}.eval.enabled"):
        ledger.switch_off(f"{own}.eval")
    stop = None
    if ledger.take(f"{own}.early_stopping.stop_training_on_plateau"):
        stop = ledger.take(f"{own}.early_stopping.patience", 10)
    else:
        ledger.switch_off(f"{own}.early_stopping")
    values = {
        "batch_size": ledger.take(f"{own}.train_data_loader.batch_size", 4),
        "max_epochs": epochs,
        "steps_per_epoch": steps,
        "learning_rate": ledger.take(f"{own}.optimizer.lr", 1e-4),
        "seed": ledger.take(f"{own}.seed"),
        "hard_nodes": take_hard_nodes(ledger, f"{own}.online_hard_keypoint_mining"),
        **_read_schedule(ledger, f"{own}.lr_scheduler", epochs),
    }
    return {**without_nothing(values), "early_stop_epochs": stop}


def _read_schedule(ledger: Ledger, section: str, epochs: int) -> dict[str, Any]:
    parts = ledger.parts_of(section)
    if "reduce_lr_on_plateau" in parts:
        own = f"{section}.reduce_lr_on_plateau"
        ledger.same(f"{own}.factor", HALVING)
        return {"schedule": "plateau", "plateau_epochs": max(int(ledger.take(f"{own}.patience", 5)), 1)}
    if "cosine_annealing_warmup" in parts:
        ledger.same(f"{section}.cosine_annealing_warmup.max_epochs", epochs)
        return {"schedule": "cosine"}
    return {"schedule": "plateau", "plateau_epochs": epochs}
