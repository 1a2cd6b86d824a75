"""Models written for other programs, from frames to points, and the file that describes them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from poseflow.core.errors import ConfigError
from poseflow.core.files import write_json
from poseflow.core.skeleton import Skeleton
from poseflow.inference.runtimes.graphs import require
from poseflow.inference.whole import WholePipeline, put_together
from poseflow.models.exported import ExportSettings
from poseflow.models.exporting import convert_model, write_model
from poseflow.models.loading import load_model
from poseflow.networks.lazy import tracing
from poseflow.networks.onnx.graph import Graph

METADATA, TRAINING_CONFIG = "export_metadata.json", "training_config.yaml"
SLEAP_NN = "0.3.5"  # whose layout the files have
MAX_BATCH = 64  # the batch is open; Bonsai asks for a number all the same


def write_export(models: dict[str, tuple[Path, str]], out: Path, settings: ExportSettings) -> None:
    """Write models that work together, or one alone, into a new folder.

    Args: models: folder and key of the contents of each, by name.

    Raises: ModelError, SkeletonError, ConfigError.
    """
    if settings.to not in FORMATS:
        raise ConfigError(f"--to must be one of {', '.join(FORMATS)}, got {settings.to!r}")
    if settings.to == "savedmodel":
        if settings.size is None:
            raise ConfigError("--size must be given for a SavedModel, which is a whole pipeline, got none")
        if settings.precision != "float32":
            raise ConfigError(f"--precision must be float32 for a SavedModel, got {settings.precision}")
        whole = put_together([load_model(folder, "float32") for folder, _ in models.values()], settings.predict)
        FORMATS["savedmodel"](whole, settings, out)
        _describe(whole, settings, out)
        return
    loaded = []
    for name, (folder, key) in models.items():
        loaded.append(convert_model(folder, settings.precision))
        write_model(loaded[-1], key, settings.precision, out / name)
    if settings.size is not None:
        whole = put_together(loaded, settings.predict)
        FORMATS[settings.to](whole, settings, out)
        _describe(whole, settings, out)


def draw_whole(whole: WholePipeline, size: tuple[int, int]) -> bytes:
    """A pipeline as an ONNX model for frames of that size, (height, width).

    Input: `image` (batch, channels, height, width) uint8. Outputs: those of `inference.whole`, by name and in order.
    """
    graph = Graph()
    channels = whole.first.config.input.channels
    image = graph.add_input("image", "uint8", (None, *size, channels), channels_first=True)
    with tracing():
        outputs = whole.run(image)
    return graph.build(outputs).SerializeToString()


def _size_of(settings: ExportSettings) -> tuple[int, int]:
    assert settings.size is not None
    return settings.size


def _write_onnx(whole: WholePipeline, settings: ExportSettings, out: Path) -> None:
    (out / "model.onnx").write_bytes(draw_whole(whole, _size_of(settings)))


def _write_openvino(whole: WholePipeline, settings: ExportSettings, out: Path) -> None:
    package = require("openvino", "openvino")
    model = package.Core().read_model(BytesIO(draw_whole(whole, _size_of(settings))))
    package.save_model(model, str(out / "model.xml"), compress_to_fp16=settings.precision == "float16")


def _write_saved_model(whole: WholePipeline, settings: ExportSettings, out: Path) -> None:
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ConfigError(f"a SavedModel must be written by TensorFlow, got KERAS_BACKEND={keras.backend.backend()}")
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    for model in whole.models.values():
        archive.track(model.network)
    shape = (None, *_size_of(settings), whole.first.config.input.channels)
    signature = [tf.TensorSpec(shape, tf.uint8, name="image")]
    archive.add_endpoint("serve", whole.run, signature)
    archive.write_out(str(out / "saved_model"), verbose=False)


FORMATS: dict[str, Callable[[WholePipeline, ExportSettings, Path], None]] = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "savedmodel": _write_saved_model,
}


def _describe(whole: WholePipeline, settings: ExportSettings, out: Path) -> None:
    """What sleap-nn and Bonsai read beside the model."""
    write_json(describe_for_sleap_nn(whole, settings), out / METADATA)
    skeleton = _describe_skeleton(whole.last.skeleton)
    (out / TRAINING_CONFIG).write_text(yaml.safe_dump({"data_config": {"skeletons": [skeleton]}}, sort_keys=False))


def describe_for_sleap_nn(whole: WholePipeline, settings: ExportSettings) -> dict[str, Any]:
    """Of all that sleap-nn writes, the keys that Bonsai knows: it refuses files with others."""
    last, config = whole.last, whole.last.config
    bottom_up = "frames" in whole.models and whole.model_type != "single_instance"
    names = last.identities if whole.model_type.startswith("multi_class") else None
    crop_px = config.input.crop_px if "crops" in whole.models else None
    return {
        "sleap_nn_version": SLEAP_NN,
        "export_timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
        "export_format": settings.to,
        "model_type": whole.model_type,
        "model_name": "+".join(model.path.resolve().name for model in whole.models.values()),
        "checkpoint_path": f"poseflow {version('poseflow')}: {last.path}",
        "backbone": config.backbone.name,
        "n_nodes": len(last.skeleton.nodes),
        "n_edges": len(last.skeleton.edges),
        "node_names": [*last.skeleton.nodes],
        "edge_inds": [list(edge) for edge in last.skeleton.edges],
        "input_scale": whole.first.config.input.scale,
        "input_channels": whole.first.config.input.channels,
        "output_stride": config.head.output_stride,
        "crop_size": [crop_px, crop_px] if crop_px else None,
        "max_instances": settings.predict.max_instances,
        "max_peaks_per_node": last.framing.count_peaks(settings.predict.max_instances) if bottom_up else None,
        "max_batch_size": MAX_BATCH,
        "precision": {"float32": "fp32", "float16": "fp16"}[settings.precision],
        "peak_threshold": settings.predict.peak_threshold,
        "input_dtype": "uint8",
        "normalization": "0_to_1",
        "n_classes": len(names) if names else None,
        "class_names": [*names] if names else None,
        "training_config_embedded": False,
        "training_config_hash": "",
    }


def _describe_skeleton(skeleton: Skeleton) -> dict[str, Any]:
    def named(number: int) -> dict[str, str]:
        return {"name": skeleton.nodes[number]}

    pairs: Sequence[tuple[int, int]] = skeleton.symmetries
    return {
        "nodes": [{"name": name} for name in skeleton.nodes],
        "edges": [{"source": named(source), "destination": named(target)} for source, target in skeleton.edges],
        "symmetries": [[named(one), named(other)] for one, other in pairs],
        "name": "skeleton",
    }
