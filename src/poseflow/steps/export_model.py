"""The step `export-model`: trained models for other programs, and for runtimes without Keras."""

from collections.abc import Mapping
from pathlib import Path

from poseflow.core.errors import ConfigError
from poseflow.core.files import check_replaceable, replacing
from poseflow.models.exported import ExportSettings
from poseflow.runs.plan import hash_model_folder

PARTS = ("model.onnx", "model.xml", "model.bin", "saved_model", "export_metadata.json", "training_config.yaml")


def export_models(models: Mapping[str, Path], out: Path, settings: ExportSettings) -> None:
    """Write models that work together, or one alone, into a folder, whole or not at all.

    Args: models: folder of each, by name; that of an exported model is its name.

    Raises: ConfigError for a folder that holds anything else, ModelError, SkeletonError.
    """
    try:
        from poseflow.inference.exporting import write_export  # imports Keras
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"export-model must have the package {error.name}, as in pip install 'poseflow[runtimes]'"
        ) from None

    check_replaceable(out, (*PARTS, *models))
    keys = {name: (folder, hash_model_folder(folder)) for name, folder in models.items()}
    with replacing(out) as folder:
        folder.mkdir()
        write_export(keys, folder, settings)
