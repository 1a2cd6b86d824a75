"""Which runtimes of networks this machine has, and which a release's models run by."""

import logging
from importlib.util import find_spec

from poseflow.config import PredictConfig
from poseflow.runs.releases import Release

logger = logging.getLogger(__name__)

PACKAGES = {"onnxruntime": ("onnx", "onnxruntime"), "openvino": ("onnx", "openvino")}
"""What runtimes need that run exported models."""


def is_installed(runtime: str) -> bool:
    """Whether the packages of a runtime are there; of one that needs none beside poseflow's, true."""
    return all(find_spec(package) is not None for package in PACKAGES.get(runtime, ()))


def resolve_runtime(release: Release, settings: PredictConfig) -> PredictConfig:
    """How a release's models run: with runtime `auto` as was chosen when the release was made.

    A machine that lacks the runtime runs them in Keras, and says so.
    """
    choice = release.runtime
    if settings.runtime != "auto" or choice is None:
        return settings
    if is_installed(choice.runtime):
        return settings.model_copy(update={"runtime": choice.runtime, "precision": choice.precision})
    logger.warning("runtime %s, the release's, is not installed here: keras runs its models", choice.runtime)
    return settings.model_copy(update={"runtime": "keras", "precision": "float32"})
