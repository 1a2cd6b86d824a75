"""A project with results, made without networks: two animals whose tracks the tracker really mistakes at known frames.

Both animals are hidden for some frames, and meanwhile change places: who is nearest afterwards is the wrong one.
Besides, something that is no animal is detected for some frames. Each frame has its number in a row of squares.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import yaml

from poseflow.config import Config, parse_config, read_yaml
from poseflow.core.skeleton import Skeleton
from poseflow.corrections import append_claims
from poseflow.media import index_video, write_index
from poseflow.runs.places import Places
from poseflow.steps.assemble import assemble_poses
from poseflow.steps.track import TrackedFiles, track_videos
from poseflow.tables import Predictions, read_poses, write_predictions

SKELETON = Skeleton(
    nodes=("nose", "neck", "body", "rump", "tail"), edges=((0, 1), (1, 2), (2, 3), (3, 4)), symmetries=()
)
ALONG = np.array([46, 24, 0, -26, -62.0])
WIDTH, HEIGHT, FPS = 640, 480, 25
BITS, CELL = 16, 12
HIDDEN = 6
"""Frames for which the animals are not seen while they change places."""
FALSE_FRAMES = 40


@dataclass(frozen=True)
class Cage:
    """What is true of the recording."""

    frames: int
    swaps: tuple[int, ...]
    """First frames after animals have changed places unseen."""
    false_animals: tuple[int, ...]
    """First frames in which something is taken for an animal."""

    def points(self, frame: int) -> np.ndarray:
        """(2 animals, 5 nodes, 2) px."""
        done = sum(frame >= swap for swap in self.swaps)
        angle = 0.02 * frame + np.array([0.0, np.pi]) + 0.6 * np.sin(frame / 37 + np.array([0, 2.0]))
        side = np.where(np.array([0, 1]) == done % 2, 1.0, -1.0)
        center = np.stack([320 + side * (150 + 30 * np.sin(frame / 41)), 240 + 70 * np.sin(frame / 29 + side)], 1)
        heading = np.stack([np.cos(angle), np.sin(angle)], 1)
        bend = np.stack([-heading[:, 1], heading[:, 0]], 1) * np.sin(frame / 5)
        curve = np.array([0, 0, 0, 3, 12.0])
        return center[:, None] + ALONG[None, :, None] * heading[:, None] + curve[None, :, None] * bend[:, None]

    def is_hidden(self, frame: int) -> bool:
        return any(swap - HIDDEN <= frame < swap for swap in self.swaps)

    def false_points(self, frame: int) -> np.ndarray | None:
        """(5, 2) of what is no animal, where it is taken for one."""
        for number, first in enumerate(self.false_animals):
            if first <= frame < first + FALSE_FRAMES:
                corner = np.array([90.0 if number % 2 else 550.0, 430.0])
                return corner + 0.45 * ALONG[:, None] * np.array([1.0, 0.12]) + 0.3 * (frame - first)
        return None


def plant(frames: int, swaps: int, false_animals: int) -> Cage:
    """Mistakes spread over a recording."""
    step = frames // (swaps + false_animals + 1)
    places = [step * (number + 1) for number in range(swaps + false_animals)]
    return Cage(frames, tuple(places[::2][:swaps]), tuple(places[1::2][:false_animals]))


def draw(cage: Cage, frame: int) -> np.ndarray:
    """(480, 640) grey."""
    image = np.full((HEIGHT, WIDTH), 168, np.uint8)
    cv2.circle(image, (320, 240), 225, 186, -1)
    cv2.putText(image, f"{frame:06d}", (500, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 60, 2, cv2.LINE_AA)
    for points in cage.points(frame):
        line = np.round(points).astype(np.int32)
        cv2.polylines(image, [line[3:]], False, 70, 5, cv2.LINE_AA)
        cv2.polylines(image, [line[:4]], False, 40, 34, cv2.LINE_AA)
        cv2.circle(image, tuple(line[0].tolist()), 9, 52, -1, cv2.LINE_AA)
    fake = cage.false_points(frame)
    if fake is not None:
        cv2.polylines(image, [np.round(fake).astype(np.int32)], False, 120, 14, cv2.LINE_AA)
    bits = frame >> np.arange(BITS) & 1
    image[:CELL, : BITS * CELL] = np.repeat(bits * 255, CELL).astype(np.uint8)
    return image


def film(cage: Cage, path: Path, gop: int = 250) -> None:
    """Write the video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = gop
        for number in range(cage.frames):
            frame = av.VideoFrame.from_ndarray(draw(cage, number), format="gray").reformat(format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def predict(cage: Cage, path: Path, release: str = "r1") -> None:
    """Write what networks would have found."""
    random = np.random.default_rng(1)
    frame_idx: list[int] = []
    points: list[np.ndarray] = []
    for frame in range(cage.frames):
        found = [] if cage.is_hidden(frame) else list(cage.points(frame))
        if (fake := cage.false_points(frame)) is not None:
            found.append(fake)
        frame_idx += [frame] * len(found)
        points += found
    noisy = np.array(points) + random.normal(0, 0.7, (len(points), 5, 2))
    score = random.uniform(0.7, 0.95, len(points))
    table = Predictions.from_instances(
        SKELETON, np.array(frame_idx), noisy, score, [(0, cage.frames)], {"release": release}
    )
    write_predictions(table, path)


class CageProject:
    """A project with one recording, `cage`, that a run has been through."""

    def __init__(self, folder: Path, cage: Cage) -> None:
        self.folder, self.cage = folder, cage
        self.places = Places(folder / "results")

    @property
    def log(self) -> Path:
        return self.folder / "corrections" / "cage.jsonl"

    @property
    def config(self) -> Config:
        path = self.folder / "config/config.yaml"
        return parse_config(read_yaml(path), str(path))

    def lay_out(self) -> "CageProject":
        """Video, settings and predictions, then what steps make of them."""
        settings = {
            "videos": {"root": "videos"},
            "tracking": {"candidates": "window", "identity": "none"},
            "review": {"min_expected_errors": 0},
        }
        (self.folder / "config").mkdir(parents=True)
        (self.folder / "config/config.yaml").write_text(yaml.safe_dump(settings))
        (self.folder / "videos").mkdir()
        (self.folder / "corrections").mkdir()
        film(self.cage, self.folder / "videos/cage.mp4")
        predict(self.cage, self.shard)
        return self.make()

    @property
    def shard(self) -> Path:
        path = self.places.shard("cage", "0-of-1")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def make(self) -> "CageProject":
        """Track and assemble, with all corrections."""
        places, config = self.places, self.config
        index_path = places.index("cage")
        with contextlib.chdir(self.folder):  # as a run names it
            index = index_video("videos/cage.mp4")
        for path in (index_path, places.tracks("cage"), places.review_list("cage"), places.pose_table("cage", "cage")):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_index(index, index_path)
        out = TrackedFiles(places.tracks("cage"), places.review_list("cage"), places.review_labels("cage"))
        logs = [self.log] if self.log.exists() else []
        track_videos({"cage": [self.shard]}, out, (config.tracking, config.review), {"cage": index}, corrections=logs)
        assemble_poses(
            [self.shard], out.tracks, index, places.pose_table("cage", "cage"), ("cage", "cage"), corrections=logs
        )
        return self

    def claim(self, *claims: object) -> None:
        append_claims(self.log, claims)  # type: ignore[arg-type]

    def count_errors(self) -> tuple[int, int]:
        """Of the pose table: how often a track changes from one animal to the other, and rows that are no animal."""
        poses = read_poses(self.places.pose_table("cage", "cage"))
        body = poses[["body.x", "body.y"]].to_numpy()
        truth = np.stack([self.cage.points(frame)[:, 2] for frame in poses["frame_idx"]])
        distance = np.linalg.norm(truth - body[:, None], axis=2)
        animal = np.where(distance.min(axis=1) < 20, distance.argmin(axis=1), -1)
        switches = 0
        for _, own in poses.assign(animal=animal)[animal >= 0].groupby("track", observed=True):
            switches += int(np.count_nonzero(np.diff(own.sort_values("frame_idx")["animal"])))
        tracks = poses.assign(animal=animal)[animal >= 0].groupby("animal")["track"].nunique()
        return max(switches, int(tracks.sum() - 2)), int(np.count_nonzero(animal < 0))
