"""Maps to points, in `keras.ops`, so that it runs compiled with the network; what is left is NumPy on the host."""

from poseflow.networks.decoding.assembly import Assembled, group_peaks_by_class, link_peaks
from poseflow.networks.decoding.candidates import (
    read_headings,
    score_classes,
    score_edge_candidates,
    score_hidden,
)
from poseflow.networks.decoding.crops import (
    crop_images,
    crop_images_at_corners,
    crop_images_between_pixels,
    crop_images_turned,
    resize_bytes,
    resize_images,
    shrink_images,
    turn_back,
)
from poseflow.networks.decoding.peaks import PeakRules, find_global_peaks, find_local_peaks
from poseflow.networks.decoding.suppression import find_duplicates

__all__ = [
    "Assembled",
    "PeakRules",
    "crop_images",
    "crop_images_at_corners",
    "crop_images_between_pixels",
    "crop_images_turned",
    "find_duplicates",
    "find_global_peaks",
    "find_local_peaks",
    "group_peaks_by_class",
    "link_peaks",
    "read_headings",
    "resize_bytes",
    "resize_images",
    "score_classes",
    "score_edge_candidates",
    "score_hidden",
    "shrink_images",
    "turn_back",
]
