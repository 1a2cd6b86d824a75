"""From labeled frames to batches: samples, augmentation, the input pipeline."""

from poseflow.data.batches import iterate_batches, stack_samples
from poseflow.data.samples import Samples, build_samples, choose_crop_px

__all__ = ["Samples", "build_samples", "choose_crop_px", "iterate_batches", "stack_samples"]
