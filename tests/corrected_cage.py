"""A recording of three animals, its predictions by one release or another, and the way from claims to pose tables."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from fake_results import make_index

from poseflow.config import ReviewConfig, TrackingConfig
from poseflow.core.skeleton import Skeleton
from poseflow.corrections import append_claims, read_log
from poseflow.steps.assemble import assemble_poses
from poseflow.steps.track import TrackedFiles, track_videos
from poseflow.tables import Predictions, read_poses, write_predictions

SKELETON = Skeleton(nodes=("nose", "body", "tail"), edges=((0, 1), (1, 2)))
BODY = np.array([[0, 0], [-20, 3], [-40, 0]], np.float64)
FRAMES, ANIMALS = 40, 3


def pose_of(animal: int, frame: int) -> np.ndarray:
    """(3, 2): three animals that walk to the right, one above the other."""
    return BODY + np.array([60 + 3 * frame, 60 + 80 * animal])


def predict(folder: Path, shift: float = 0, missed: frozenset = frozenset(), seed: int = 0) -> Path:
    """Predictions of a release that puts all points `shift` px aside, and misses some (animal, frame)."""
    random = np.random.default_rng(seed)
    there = [(frame, animal) for frame in range(FRAMES) for animal in range(ANIMALS) if (animal, frame) not in missed]
    frame_idx = np.array([frame for frame, _ in there])
    points = np.array([pose_of(animal, frame) for frame, animal in there]) + np.array([shift, -shift / 2])
    score = random.uniform(0.6, 0.9, len(points))
    found = Predictions.from_instances(SKELETON, frame_idx, points, score, [(0, FRAMES)], {"release": f"r{shift}"})
    path = folder / "cage.parquet"
    write_predictions(replace(found, point_scores=found.point_scores * np.float32(0.8)), path)
    return path


@dataclass
class Cage:
    """One recording of one video, `cage`."""

    folder: Path
    corrections: tuple[Path, ...] = ()
    config = TrackingConfig(candidates="window")

    def __post_init__(self) -> None:
        self.predictions = predict(self.folder)
        self.index = make_index("cage", FRAMES)

    def release(self, **changes) -> None:
        """Another release predicts it."""
        self.predictions = predict(self.folder, **changes)

    def claim(self, *claims) -> None:
        append_claims(self.log, claims)

    @property
    def log(self) -> Path:
        return self.folder / "corrections" / "cage.jsonl"

    @property
    def claims(self):
        return read_log(self.log).claims

    @property
    def review(self) -> Path:
        return self.folder / "review.slp"

    @property
    def review_list(self) -> str:
        return (self.folder / "review.csv").read_text()

    def make(self, **settings):
        """Track and assemble; gives the pose table."""
        files = [*([self.log] if self.log.exists() else []), *self.corrections]
        config = self.config.model_copy(update=settings)
        tracks = self.folder / "tracks.parquet"
        out = TrackedFiles(tracks, self.folder / "review.csv", self.review)
        review = ReviewConfig(min_expected_errors=0)
        track_videos({"cage": [self.predictions]}, out, (config, review), {"cage": self.index}, corrections=files)
        poses = self.folder / "poses.parquet"
        assemble_poses([self.predictions], tracks, self.index, poses, ("cage", "cage"), corrections=files)
        return read_poses(poses)


def animals_at(poses, frame):
    """Tracks of the animals of a frame, from the topmost to the lowest, by where they are."""
    rows = poses[poses.frame_idx == frame]
    return rows.iloc[np.lexsort((rows["body.x"], rows["body.y"]))]
