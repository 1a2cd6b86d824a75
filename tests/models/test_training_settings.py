"""Training settings of SLEAP, sleap-nn and DeepLabCut as profiles: nothing is dropped without a word."""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from poseflow.config import ModelConfig, read_model_config
from poseflow.core.errors import ConfigError
from poseflow.models.sleap.nn_settings import read_nn_folder
from poseflow.models.sleap.settings import read_sleap_folder
from poseflow.models.training_settings import READERS, import_training_settings, write_profile
from poseflow.models.training_settings.ledger import UNSET, Ledger

# As deeplabcut.create_training_dataset writes them: single animal, TensorFlow; several animals and top-down, PyTorch.
POSE_CFG = """
all_joints: [[0], [1]]
all_joints_names: [snout, tailbase]
alpha_r: 0.02
batch_size: 8
clahe: true
claheratio: 0.1
crop_pad: 0
cropratio: 0.4
crop_size: [400, 400]
dataset: training-datasets/a.mat
dataset_type: imgaug
decay_steps: 30000
display_iters: 1000
emboss: {alpha: [0.0, 1.0], embossratio: 0.1}
global_scale: 0.8
init_weights: resnet_v1_50.ckpt
intermediate_supervision: false
location_refinement: true
locref_loss_weight: 0.05
locref_stdev: 7.2801
lr_init: 0.0005
mirror: false
multi_step: [[0.005, 10000], [0.02, 430000], [0.002, 730000], [0.001, 1030000]]
net_type: resnet_50
num_joints: 2
pos_dist_thresh: 17
rotation: 25
rotratio: 0.4
save_iters: 50000
scale_jitter_lo: 0.5
scale_jitter_up: 1.25
"""
PYTORCH = """
data:
  bbox_margin: 20
  colormode: RGB
  inference: {normalize_images: true}
  train:
    affine: {p: 0.5, rotation: 30, scaling: [0.5, 1.25], translation: 0}
    crop_sampling: {width: 448, height: 448, max_shift: 0.1, method: hybrid}
    gaussian_noise: 12.75
    motion_blur: true
    covering: false
    normalize_images: true
device: auto
metadata: {project_path: /lab, bodyparts: [snout, tail], individuals: [a, b], with_identity: null}
method: bu
model:
  backbone: {type: ResNet, model_name: resnet50_gn, output_stride: 16, freeze_bn_stats: true}
  backbone_output_channels: 2048
  heads:
    bodypart:
      type: DLCRNetHead
      predictor: {type: PartAffinityFieldPredictor, nms_radius: 5, locref_stdev: 7.2801}
      target_generator:
        type: SequentialGenerator
        generators:
        - {type: HeatmapPlateauGenerator, pos_dist_thresh: 17, generate_locref: true}
        - {type: PartAffinityFieldGenerator, width: 20}
      criterion: {heatmap: {type: WeightedBCECriterion, weight: 1.0}}
net_type: resnet_50
runner:
  type: PoseTrainingRunner
  gpus: null
  key_metric: test.mAP
  eval_interval: 10
  optimizer: {type: AdamW, params: {lr: 0.0005}}
  scheduler: {type: LRListScheduler, params: {lr_list: [[0.0001], [1.0e-05]], milestones: [90, 120]}}
  snapshots: {max_snapshots: 5, save_epochs: 25}
train_settings: {batch_size: 8, dataloader_workers: 0, display_iters: 500, epochs: 200, seed: 42}
"""
TOP_DOWN = """
data:
  colormode: RGB
  train:
    affine: {p: 1.0, rotation: 30, scaling: [1.0, 1.0], translation: 5}
    top_down_crop: {width: 256, height: 192}
    hflip: true
detector: {model: {type: FasterRCNN}, train_settings: {epochs: 250}}
method: td
model:
  backbone: {type: HRNet, model_name: hrnet_w32}
  heads:
    bodypart:
      predictor: {type: HeatmapPredictor}
      target_generator: {type: HeatmapGaussianGenerator, pos_dist_thresh: 17}
runner: {optimizer: {params: {lr: 0.0005}}}
train_settings: {batch_size: 8, epochs: 200}
"""
GUI_PROFILE = {
    "data": {
        "labels": {"skeletons": []},
        "preprocessing": {"ensure_rgb": True, "input_scaling": 0.5, "pad_to_stride": 32, "target_height": 512},
        "instance_cropping": {"center_on_part": "thorax", "crop_size": None, "crop_size_detection_padding": 16},
    },
    "model": {
        "backbone": {"unet": {"max_stride": 32, "output_stride": 4, "filters": 16, "filters_rate": 2.0}},
        "heads": {
            "multi_class_bottomup": {
                "confmaps": {"sigma": 2.5, "output_stride": 4, "loss_weight": 2.0},
                "class_maps": {"classes": ["a", "b"], "sigma": 2.0, "output_stride": 4, "loss_weight": 0.5},
            }
        },
    },
    "optimization": {
        "augmentation_config": {
            "rotate": True, "rotation_min_angle": -90, "rotation_max_angle": 180, "scale": True, "scale_min": 0.8,
            "scale_max": 1.2, "translate": True, "translate_min": -5, "translate_max": 5, "brightness": True,
            "brightness_min_val": 0.0, "brightness_max_val": 10.0, "contrast": True, "contrast_min_gamma": 0.5,
            "contrast_max_gamma": 1.5, "gaussian_noise": True, "gaussian_noise_mean": 5.0,
            "gaussian_noise_stddev": 2.0, "uniform_noise": True, "uniform_noise_min_val": 0.0, "random_crop": True,
            "random_crop_height": 256, "random_crop_width": 128, "random_flip": True, "flip_horizontal": False,
        },
        "batch_size": 4, "epochs": 100, "batches_per_epoch": None, "min_batches_per_epoch": 200,
        "optimizer": "adam", "initial_learning_rate": 1e-3, "learning_rate_schedule": {"reduce_on_plateau": False},
        "hard_keypoint_mining": {"online_mining": True, "hard_to_easy_ratio": 3.0, "loss_scale": 4.0},
        "early_stopping": {"stop_training_on_plateau": False, "plateau_patience": 10},
    },
}  # fmt: skip


@pytest.fixture(params=["sleap", "sleap_nn", "gui", "pose_cfg", "pytorch", "top_down"])
def files(request: pytest.FixtureRequest, real_data: Path, tmp_path: Path) -> list[tuple[Path, Any]]:
    """Files of one program, and the settings in them."""
    texts = {"gui": json.dumps(GUI_PROFILE), "pose_cfg": POSE_CFG, "pytorch": PYTORCH, "top_down": TOP_DOWN}
    if request.param in texts:
        (tmp_path / "settings").write_text(texts[request.param])
        paths = [tmp_path / "settings"]
    else:
        pattern = {"sleap": "sleap_models/*/*_config.json", "sleap_nn": "sleap_nn_models/*/*_config.yaml"}
        paths = sorted(real_data.glob(pattern[request.param]))
        assert len(paths) > 7
    return [(path, yaml.safe_load(path.read_text())) for path in paths]


# Networks of these files take grey images whether they are made grey or are so, and no augmentation is on in them.
SAME = {"ensure_grayscale", "use_augmentations_train"}


def leaves(values: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*prefix, name))
        else:
            yield (*prefix, name), value


def change(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 2 if value else 3
    return [*value, value[-1]] if isinstance(value, list) else f"{value}x"


def is_named(lines: tuple[str, ...], place: tuple[str, ...]) -> bool:
    """Whether a list names a setting, or a section that it is in."""
    names = {line.split(": ")[0] for line in lines}
    return any(".".join(place[:length]) in names for length in range(1, len(place) + 1))


def import_values(values: Any, folder: Path) -> tuple[ModelConfig, tuple[str, ...]]:
    (folder / "changed").write_text(json.dumps(values))
    found = import_training_settings(folder / "changed")
    return found.config, found.without_counterpart


def idle_settings(values: Any) -> set[str]:
    ledger = Ledger(values)
    next(one for one in READERS if one.recognize(values)).translate(ledger)
    return ledger.idle


def test_each_setting_that_is_changed_changes_the_profile_or_is_named(files, tmp_path):
    counted = 0
    for path, values in files[:: 4 if len(files) > 1 else 1]:
        found = import_training_settings(path)
        idle = idle_settings(values)
        for place, value in leaves(values):
            if (
                value in UNSET
                or place[-1] in SAME
                or ".".join(place) in idle
                or is_named(found.without_counterpart, place)
            ):
                continue
            counted += 1
            changed = copy.deepcopy(values)
            section = changed
            for name in place[:-1]:
                section = section[name]
            section[place[-1]] = change(value)
            try:
                config, lines = import_values(changed, tmp_path)
            except ConfigError:
                continue
            assert config != found.config or is_named(lines, place), f"{path}: {place} was dropped"
    assert counted > 5


def test_a_setting_that_nobody_knows_is_named(files, tmp_path):
    path, values = files[0]
    for place in {place[:-1] for place, _ in leaves(values)}:
        changed = copy.deepcopy(values)
        section = changed
        for name in place:
            section = section[name]
        section["novelty"] = 3
        config, lines = import_values(changed, tmp_path)
        idle = ".".join((*place, "novelty")) in idle_settings(changed)
        assert idle or is_named(lines, (*place, "novelty")), place
        assert config == import_training_settings(path).config


def test_the_profile_that_is_written_is_the_one_that_was_read(files, tmp_path):
    for number, (path, _) in enumerate(files):
        imported = import_training_settings(path)
        out = tmp_path / f"{number}/profile.yaml"
        write_profile(imported, path, out)
        assert read_model_config(out) == imported.config
        assert all(f"# {line}\n" in out.read_text() for line in imported.without_counterpart)
        with pytest.raises(ConfigError, match="must be a file that is not there yet"):
            write_profile(imported, path, out)


def test_networks_are_those_of_the_trained_models(real_data):
    """Kind, input, backbone and head are what running the model reads of the same file."""
    models = [(path, read_sleap_folder) for path in real_data.glob("sleap_models/*/training_config.json")]
    models += [(path, read_nn_folder) for path in real_data.glob("sleap_nn_models/*/training_config.yaml")]
    assert len(models) > 8
    for path, read in models:
        ours, run = import_training_settings(path).config, read(path.parent).config
        assert (ours.kind, ours.input, ours.backbone) == (run.kind, run.input, run.backbone)
        weightless = {"weight", "layers", "units"}
        for name, head in ours.heads.items():
            assert head.model_dump(exclude=weightless) == run.heads[name].model_dump(exclude=weightless)


def test_what_the_settings_of_a_profile_of_the_gui_become(tmp_path):
    config, lines = import_values(GUI_PROFILE, tmp_path)
    assert (config.kind, config.input.channels, config.input.scale) == ("multi_class_bottom_up", 3, 0.5)
    assert (config.backbone.max_stride, config.backbone.filters, config.backbone.up) == (32, 16, "transposed")
    assert config.heads["class_maps"].model_dump(exclude_none=True) == {
        "output_stride": 4,
        "radius_px": 4.0,
        "weight": 0.25,
    }
    own = config.augmentation
    assert (own.rotation_deg, own.scale, own.window_px, own.flip) == (180, (0.8, 1.2), 256, True)
    assert (own.brightness, own.contrast, own.noise) == pytest.approx((10 / 255, 0.0, 2 / 255))
    assert own.gamma == (0.5, 1.5), "SLEAP's contrast is a power"
    training = config.training
    assert (training.learning_rate, training.plateau_epochs, training.max_epochs) == (1e-3, 100, 100)
    assert training.early_stop_epochs is None
    assert training.hard_nodes == 4
    named = {line.split(": ")[0] for line in lines}
    augmentation = "optimization.augmentation_config"
    assert {
        f"{augmentation}.rotation_min_angle",
        f"{augmentation}.flip_horizontal",
        f"{augmentation}.uniform_noise",
        f"{augmentation}.gaussian_noise_mean",
        "data.preprocessing.target_height",
        "optimization.hard_keypoint_mining.hard_to_easy_ratio",
        "model.heads.multi_class_bottomup.class_maps.sigma",
    } <= named


def test_what_settings_of_deeplabcut_become(tmp_path):
    found = {}
    for name, text in (("tf", POSE_CFG), ("torch", PYTORCH), ("td", TOP_DOWN)):
        (tmp_path / name).write_text(text)
        found[name] = import_training_settings(tmp_path / name)
    tf, torch, top_down = (found[name].config for name in ("tf", "torch", "td"))
    assert (tf.backbone.name, torch.backbone.name) == ("dlc_resnet50", "unet")
    assert (tf.kind, tf.input.scale, tf.head.sigma_px, tf.training.batch_size) == ("single_instance", 0.8, 8.5, 8)
    assert (tf.augmentation.rotation_deg, tf.augmentation.scale, tf.augmentation.window_px) == (25, (0.5, 1.25), 400)
    assert (torch.kind, torch.training.max_epochs, torch.training.seed) == ("bottom_up", 200, 42)
    assert (torch.augmentation.noise, torch.augmentation.window_px) == (0.05, 448)
    assert (top_down.kind, top_down.input.crop_px, top_down.augmentation.flip) == ("centered_instance", 256, True)
    assert any(
        line.startswith("init_weights: resnet_v1_50.ckpt: no counterpart; a network")
        for line in found["tf"].without_counterpart
    )
    assert any(line.startswith("clahe: True: no counterpart") for line in found["tf"].without_counterpart)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be training settings, JSON or YAML of 1 to .* bytes, got 0"),
        ('{"data": {', r"got a damaged file \(cut off\?\): JSONDecodeError"),
        ("a: [1", r"got a damaged file \(cut off\?\)"),
        ("[1, 2]", "got list"),
        ("a: 1", r"must be training settings \(SLEAP training_config.json, .*got others \(with a\)"),
        ('{"data": {}, "model": {"heads": {}, "backbone": {}}}', "model.heads must have one of .*, got none"),
        ("data_config: {}\nmodel_config: {head_configs: {bbox_ssd: {ssd: {sigma: 1}}}}", "got bbox_ssd"),
        ("method: ctd\nmodel: {a: 1}\nrunner: {}\ntrain_settings: {}", "method must be one of bu, td, got ctd"),
        ("net_type: a\npos_dist_thresh: !!python/object/apply:os.system ['x']", "ConstructorError"),
        ("net_type: a\npos_dist_thresh: far", "could not convert string to float: 'far'"),
        ("net_type: a\npos_dist_thresh: 5\nbatch_size: 0", "training.batch_size: Input should be greater"),
    ],
)
def test_what_are_no_settings_has_one_line(text, message, tmp_path):
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(ConfigError, match=rf"^[^\n]*settings\.yaml[^\n]*{message}[^\n]*$"):
        import_training_settings(tmp_path / "settings.yaml")


@pytest.mark.parametrize(
    ("backbone", "expected"),
    [
        ({"leap": {"max_stride": 8, "filters": 32, "up_interpolate": True}}, ("leap", 8, 32)),
        ({"hourglass": {"max_stride": 64, "filters": 256, "stacks": 2, "stem_stride": 4}}, ("hourglass", 64, 64)),
        ({"unet": {"max_stride": 16, "stem_stride": 2, "middle_block": False, "filters": 16}}, ("unet", 16, 16)),
        ({"pretrained_encoder": {"encoder": "mobilenetv2", "pretrained": False}}, ("mobilenetv2", 32, 64)),
        ({"pretrained_encoder": {"encoder": "alexnet", "pretrained": True}}, ("unet", 16, 16)),
        ({"resnet": {"version": "ResNet50", "max_stride": 16}}, ("unet", 16, 16)),
    ],
)
def test_networks_of_sleap_that_are_here_too(backbone, expected, tmp_path):
    heads = {"centroid": {"sigma": 2.5, "output_stride": 4}}
    config, lines = import_values({"data": {}, "model": {"backbone": backbone, "heads": heads}}, tmp_path)
    found = config.backbone
    assert (found.name, found.max_stride, found.filters) == expected
    ((name, values),) = backbone.items()
    if expected[0] == "unet" and name != "unet":
        assert all(is_named(lines, ("model", "backbone", name, key)) for key in values)
