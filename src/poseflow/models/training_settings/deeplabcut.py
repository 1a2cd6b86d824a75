"""DeepLabCut: `pose_cfg.yaml` of its TensorFlow engine, `pytorch_config.yaml` of its PyTorch engine."""

from collections.abc import Mapping
from typing import Any

from poseflow.config import ModelConfig
from poseflow.models.training_settings.ledger import Ledger
from poseflow.models.training_settings.shared import LOADING_ELSEWHERE, NODES, RESULTS_ELSEWHERE, without_nothing

GREY_LEVELS = 255
NETWORK = "no counterpart; a network of the defaults, from random weights, is in its place"
OFFSETS = "no counterpart; points are refined by integral regression"
PAF_PREDICTOR = "PartAffinityFieldPredictor"
KINDS_OF_METHODS = {"bu": None, "td": "centered_instance"}

TF_LABELS = (
    "all_joints", "all_joints_names", "num_joints", "dataset", "metadataset", "project_path", "num_limbs",
    "partaffinityfield_graph", "partaffinityfield_idx", "num_idchannel",
)  # fmt: skip
RESNET = "resnet_50"
TF_NETWORK = (
    "init_weights", "multi_stage", "intermediate_supervision", "intermediate_supervision_layer",
    "stride", "deconvolutionstride", "output_stride", "mean_pixel", "weight_decay", "regularize",
)  # fmt: skip
TF_OFFSETS = ("location_refinement", "locref_huber_loss", "locref_loss_weight", "locref_stdev")
TF_RATES = ("multi_step", "lr_init", "decay_steps", "alpha_r", "optimizer")


def recognize_pose_cfg(values: Mapping[str, Any]) -> bool:
    """Whether settings are those of the TensorFlow engine."""
    return {"net_type", "pos_dist_thresh"} <= values.keys()


def translate_pose_cfg(ledger: Ledger) -> ModelConfig:
    """The profile; raises ValueError."""
    has_fields = bool(ledger.take("partaffinityfield_predict"))
    scale = float(ledger.take("global_scale", 1.0))
    if scale > 1:
        ledger.say("global_scale", "images are not enlarged here; 1")
    head: dict[str, Any] = {"sigma_px": _take_sigma(ledger, "pos_dist_thresh")}
    if has_fields:
        _give(ledger, head, "paf_width", "part_affinity_fields")
    augmentation: dict[str, Any] = {
        "rotation_deg": min(float(ledger.take("rotation") or 0), 180.0),
        "scale": (ledger.take("scale_jitter_lo", 1.0), ledger.take("scale_jitter_up", 1.0)),
        "flip": bool(ledger.take("mirror")),
    }
    for name in ("rotratio", "cropratio"):
        ledger.leave(name, "every sample is changed here")
    if ledger.has("crop_size"):
        width, height = (int(side) for side in ledger.take("crop_size"))
        augmentation["window_px"] = max(width, height)
        if width != height:
            ledger.say("crop_size", f"a square of {max(width, height)} px")
    backbone = {}
    if ledger.take("net_type") == RESNET:
        backbone = {"name": "dlc_resnet50"}
    else:
        ledger.say("net_type", NETWORK)
    for names, why in (
        (TF_LABELS, NODES),
        (TF_NETWORK, NETWORK),
        (TF_OFFSETS, OFFSETS),
        (TF_RATES, "rates of another optimizer; those of the defaults are in their place"),
        (("display_iters", "save_iters", "max_to_keep"), RESULTS_ELSEWHERE),
        (("dataset_type",), LOADING_ELSEWHERE),
    ):
        for name in names:
            ledger.leave(name, why)
    return ModelConfig.model_validate(
        {
            "kind": "bottom_up" if has_fields else "single_instance",
            "input": {"channels": 3, "scale": min(scale, 1.0)},
            "backbone": backbone,
            "head": head,
            "augmentation": augmentation,
            "training": without_nothing({"batch_size": ledger.take("batch_size")}),
        }
    )


def recognize_pytorch(values: Mapping[str, Any]) -> bool:
    """Whether settings are those of the PyTorch engine."""
    return {"train_settings", "runner"} <= values.keys() and isinstance(values.get("model"), Mapping)


def translate_pytorch(ledger: Ledger) -> ModelConfig:
    """The profile; raises ValueError."""
    method = str(ledger.take("method", "bu")).lower()
    if method not in KINDS_OF_METHODS:
        raise ValueError(f"method must be one of {', '.join(KINDS_OF_METHODS)}, got {method}")
    own = "model.heads.bodypart"
    has_fields = ledger.take(f"{own}.predictor.type") == PAF_PREDICTOR
    kind = KINDS_OF_METHODS[method] or ("bottom_up" if has_fields else "single_instance")
    head = {"sigma_px": _take_pytorch_sigma(ledger, f"{own}.target_generator")}
    crop_px = None
    for place in ("data.train", "data.inference"):
        sides = [int(ledger.take(f"{place}.top_down_crop.{name}", 0)) for name in ("width", "height")]
        if place == "data.train" and kind == "centered_instance":
            crop_px = max(sides) or None
            if sides[0] != sides[1]:
                for name in ("width", "height"):
                    ledger.say(f"{place}.top_down_crop.{name}", f"a square of {max(sides)} px")
        elif any(sides):
            ledger.leave(f"{place}.top_down_crop", "crops are those of the training")
            for name in ("width", "height"):
                ledger.say(f"{place}.top_down_crop.{name}", "crops are those of the training")
    color = str(ledger.take("data.colormode", "RGB"))
    if color.upper() != "RGB":
        ledger.say("data.colormode", "colors are red, green, blue here")
    values = {
        "kind": kind,
        "input": without_nothing({"channels": 3, "crop_px": crop_px}),
        "head": head,
        "augmentation": _read_augmentation(ledger),
        "training": _read_training(ledger),
    }
    for section, why in (
        ("metadata", NODES),
        ("detector", "a model of its own: kind centroid"),
        (own, "no counterpart; heads are those of the kind"),
        ("model", NETWORK),
        ("data.inference", "frames are preprocessed as for the training"),
    ):
        ledger.leave(section, why)
    for name in ("bbox_margin", "collate", "normalize_images"):
        ledger.leave(f"data.{name}", "no counterpart")
        ledger.leave(f"data.train.{name}", "no counterpart; networks normalize features themselves")
    for name in ("device", "runner.device", "runner.gpus"):
        ledger.leave(name, "machines are the workflow's (resources)")
    for name in ("snapshots", "eval_interval", "key_metric", "key_metric_asc", "type"):
        ledger.leave(f"runner.{name}", RESULTS_ELSEWHERE)
    for name in ("net_type", "resume_training_from", "load_weights"):
        ledger.leave(name, NETWORK)
    ledger.leave("inference", "settings of prediction are predict, tracking")
    return ModelConfig.model_validate(values)


def _read_augmentation(ledger: Ledger) -> dict[str, Any]:
    own = "data.train"
    changes: dict[str, Any] = {"rotation_deg": 0.0, "scale": (1.0, 1.0), "flip": False, "noise": 0.0}
    chance = float(ledger.take(f"{own}.affine.p", 0.5 if ledger.names_in(f"{own}.affine") else 0.0))
    if not 0 <= chance <= 1:
        raise ValueError(f"{own}.affine.p must be 0 to 1, got {chance}")
    if chance:
        if chance < 1:
            ledger.say(f"{own}.affine.p", "every sample is changed here")
        changes["rotation_deg"] = min(float(ledger.take(f"{own}.affine.rotation", 0)), 180.0)
        changes["scale"] = tuple(ledger.take(f"{own}.affine.scaling", (1.0, 1.0)))
        changes["shift_px"] = float(ledger.take(f"{own}.affine.translation", 0))
    else:
        ledger.switch_off(f"{own}.affine")
    if ledger.has(f"{own}.hflip"):
        changes["flip"] = bool(ledger.take(f"{own}.hflip"))
    if ledger.has(f"{own}.gaussian_noise"):
        changes["noise"] = min(float(ledger.take(f"{own}.gaussian_noise")) / GREY_LEVELS, 1.0)
    sides = [int(ledger.take(f"{own}.crop_sampling.{name}", 0)) for name in ("width", "height")]
    if any(sides):
        changes["window_px"] = max(sides)
        if sides[0] != sides[1]:
            for name in ("width", "height"):
                ledger.say(f"{own}.crop_sampling.{name}", f"a square of {max(sides)} px")
    for name in ("covering", "hist_eq", "motion_blur"):
        ledger.same(f"{own}.{name}", False)
    return changes


def _read_training(ledger: Ledger) -> dict[str, Any]:
    own = "train_settings"
    for name in ("dataloader_workers", "dataloader_pin_memory"):
        ledger.leave(f"{own}.{name}", LOADING_ELSEWHERE)
    ledger.leave(f"{own}.display_iters", RESULTS_ELSEWHERE)
    return without_nothing(
        {
            "batch_size": ledger.take(f"{own}.batch_size"),
            "max_epochs": ledger.take(f"{own}.epochs"),
            "seed": ledger.take(f"{own}.seed"),
            "learning_rate": ledger.take("runner.optimizer.params.lr"),
        }
    )


def _take_sigma(ledger: Ledger, path: str) -> float:
    radius = float(ledger.take(path, 17))
    ledger.say(path, f"a disc of that radius there; a Gaussian of half of it here, {radius / 2:g} px")
    return radius / 2


def _take_pytorch_sigma(ledger: Ledger, section: str) -> float:
    """Of the maps' generator, which may be the first of several."""
    if ledger.has(f"{section}.generators"):
        first: Mapping[str, Any] = next(
            (one for one in ledger.take(f"{section}.generators") if "pos_dist_thresh" in one), {}
        )
        radius = float(first.get("pos_dist_thresh", 17))
        ledger.say(f"{section}.generators", f"a disc there; a Gaussian of half of its radius here, {radius / 2:g} px")
        return radius / 2
    return _take_sigma(ledger, f"{section}.pos_dist_thresh")


def _give(ledger: Ledger, head: dict[str, Any], path: str, name: str) -> None:
    """The width of fields."""
    if ledger.has(path):
        width = float(ledger.take(path))
        head[name] = {"sigma_px": width / 2}
        ledger.say(path, f"the width of a band there; half of it as sigma_px here, {width / 2:g}")
