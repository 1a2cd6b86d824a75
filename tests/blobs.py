"""Tiny labeled recordings for tests of networks: bright animals of two nodes on a dark ground."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import sleap_io as sio

from poseflow.core.skeleton import Skeleton
from poseflow.labels import FrameLabels, Package, write_package

SKELETON = Skeleton(nodes=("head", "tail"), edges=((0, 1),))
SIZE = 96
ALIKE = (120, 120)
TOLD_APART = (150, 70)


def draw_frame(points: np.ndarray, shades: Sequence[int] = ALIKE) -> np.ndarray:
    """Grey image (SIZE, SIZE, 1) of animals (n, 2 nodes, 2): a body, and a brighter head."""
    canvas = np.full((SIZE, SIZE), 30, np.uint8)
    for (head, tail), shade in zip(points, shades, strict=False):
        ends = [tuple(np.rint(p * 16).astype(int).tolist()) for p in (head, tail)]
        cv2.line(canvas, *ends, shade, 7, cv2.LINE_AA, 4)
        cv2.circle(canvas, tuple(np.rint(head * 16).astype(int).tolist()), 5 * 16, 230, -1, cv2.LINE_AA, 4)
    return canvas[..., None]


def draw_points(count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, 2, 2) of animals that do not overlap."""
    centers = np.array([[28, 30], [68, 62]])[:count] + rng.uniform(-8, 8, (count, 2))
    angles = rng.uniform(0, 2 * np.pi, count)
    along = 9 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.stack([centers + along, centers - along], axis=1).astype(np.float32)


@dataclass
class BlobPackage:
    """What the samples need of a package, without a file."""

    frames: list[FrameLabels]
    images: list[np.ndarray]
    skeleton: Skeleton = SKELETON
    identities: tuple[str, ...] = ()
    path: Path = field(default_factory=lambda: Path("blobs.pkg.slp"))
    has_color: bool = False

    check_identities = Package.check_identities

    def image(self, i: int, channels: int = 1) -> np.ndarray:
        """Image of frame i."""
        return np.repeat(self.images[i], channels, axis=2)


def make_package(frames: int, animals: int = 2, seed: int = 0, names: tuple[str, ...] = ()) -> BlobPackage:
    """A package of random frames; animals that have names differ in shade."""
    rng = np.random.default_rng(seed)
    points = [draw_points(animals, rng) for _ in range(frames)]
    labels = [FrameLabels("blobs", i, own, names or (None,) * animals) for i, own in enumerate(points)]
    images = [draw_frame(own, TOLD_APART if names else ALIKE) for own in points]
    return BlobPackage(labels, images, identities=names)


def write_blobs(
    folder: Path, name: str, frames: int, animals: int = 2, seed: int = 0, names: tuple[str, ...] = ()
) -> Path:
    """Write random frames as a real package file."""
    package = make_package(frames, animals, seed, names)
    folder.mkdir(parents=True, exist_ok=True)
    skeleton = sio.Skeleton(nodes=list(SKELETON.nodes), edges=[("head", "tail")])
    tracks = {name: sio.Track(name) for name in names}
    files = []
    for number, image in enumerate(package.images):
        files.append(str(folder / f"{name}{number:04d}.png"))
        cv2.imwrite(files[-1], image)
    video = sio.Video.from_filename(files)
    labeled = [
        sio.LabeledFrame(
            video=video,
            frame_idx=i,
            instances=[
                sio.Instance.from_numpy(points, skeleton=skeleton, track=tracks.get(name))
                for points, name in zip(frame.points, frame.identities, strict=True)
            ],
        )
        for i, frame in enumerate(package.frames)
    ]
    labels = sio.Labels(labeled_frames=labeled, videos=[video], skeletons=[skeleton], tracks=list(tracks.values()))
    path = folder / f"{name}.pkg.slp"
    write_package(labels, path)
    return path
