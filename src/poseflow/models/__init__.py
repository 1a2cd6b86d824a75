"""Networks: blocks, backbones, heads, `build_model`, which puts them together, and model folders."""

from poseflow.models.build import build_model, head_depths, measure_light, standardize, standardized_network
from poseflow.models.compiled import compile_function, has_gpu
from poseflow.models.folder import TrainedModel, load_model
from poseflow.models.framing import Framing
from poseflow.models.precision import choose_precision

__all__ = [
    "Framing",
    "TrainedModel",
    "build_model",
    "choose_precision",
    "compile_function",
    "has_gpu",
    "head_depths",
    "load_model",
    "measure_light",
    "standardize",
    "standardized_network",
]
