"""What frames look like, in few numbers, and which of them look alike."""

import warnings
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from poseflow.media import VideoIndex, open_video

THUMBNAIL_PX = 48
COMPONENTS = 32


def cluster_images(index: VideoIndex, frames: Sequence[int], clusters: int, seed: int = 0) -> list[list[int]]:
    """Group frames that look alike, by k-means on the principal components of small grey thumbnails.

    Thumbnails are compared after their mean over the recording (cage, dish) is subtracted, so that what differs is
    the animals and the light.

    Returns: Frames of each cluster, the most typical first; the largest cluster first. Frames that cannot be decoded
        are left out.
    """
    readable, features = _image_features(index, frames)
    if len(readable) <= clusters:
        return [[frame] for frame in readable]
    points = _principal_components(features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a cluster that ends up empty is no harm
        centers, labels = kmeans2(points, clusters, minit="++", rng=np.random.default_rng(seed))
    distances = np.linalg.norm(points - centers[labels], axis=1)
    groups = []
    for label in range(clusters):
        members = np.flatnonzero(labels == label)
        groups.append([readable[member] for member in members[np.argsort(distances[members], kind="stable")]])
    return sorted((group for group in groups if group), key=len, reverse=True)


def _image_features(index: VideoIndex, frames: Sequence[int]) -> tuple[list[int], NDArray[np.float32]]:
    readable, thumbnails = [], []
    with open_video(index) as video:
        for frame, image in video.read_frames(sorted(frames), channels=1):
            if image is not None:
                small = cv2.resize(image, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
                readable.append(int(frame))
                thumbnails.append(small.reshape(-1).astype(np.float32))
    return readable, np.array(thumbnails, np.float32).reshape(len(readable), THUMBNAIL_PX**2)


def _principal_components(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Coordinates on the main axes of variation, (frames, at most COMPONENTS)."""
    centered = features.astype(np.float64) - features.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
    return left[:, :COMPONENTS] * sizes[:COMPONENTS]
