"""From labeled frames to batches: samples, augmentation, the input pipeline."""

from poseflow.training.data.batches import Batch, iterate_batches, stack_samples
from poseflow.training.data.samples import Samples, build_samples, choose_crop_px, complete_profile

__all__ = [
    "Batch",
    "Samples",
    "build_samples",
    "choose_crop_px",
    "complete_profile",
    "iterate_batches",
    "stack_samples",
]
