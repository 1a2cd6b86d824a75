"""Small plausible inputs of a report, made with the writers that the workflow uses."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import yaml

from poseflow.config import ModelConfig
from poseflow.core.files import write_json
from poseflow.core.skeleton import Skeleton
from poseflow.media.index import VideoIndex, quarantine, write_index
from poseflow.media.runs import RunLengths
from poseflow.tables import PoseSource, Predictions, Tracks, assemble_poses, write_poses

SKELETON = Skeleton.from_names(
    ["nose", "head", "body", "tail"],
    [("head", "nose"), ("head", "body"), ("body", "tail")],
)
FPS = 25


def make_index(video: str, frames: int, **changes: object) -> VideoIndex:
    times = RunLengths(first=0, count=frames, deltas=((1, frames - 1),) if frames > 1 else ())
    values: dict = {
        "path": f"videos/{video}.mp4",
        "kind": "video",
        "frames": frames,
        "width": 640,
        "height": 480,
        "codec": "h264",
        "fps": FPS,
        "time_base": (1, FPS),
        "timestamps": times,
        "size_bytes": 1000 * frames,
    }
    return VideoIndex(**(values | changes))


def make_poses(
    index: VideoIndex, tracks: list[tuple[int, int, int]], failed: tuple[int, ...] = (), video: str = "cage"
) -> object:
    """A pose table with tracks given as (track, first frame, end); animals walk in a circle."""
    frame_idx = np.concatenate([np.arange(start, stop) for _, start, stop in tracks] or [np.empty(0, int)])
    track = np.concatenate([np.full(stop - start, number) for number, start, stop in tracks] or [np.empty(0, int)])
    order = np.lexsort((track, frame_idx))
    frame_idx, track = frame_idx[order].astype(np.int64), track[order].astype(np.int32)
    angle = frame_idx / 40 + track
    head = np.stack([320 + 150 * np.cos(angle), 240 + 150 * np.sin(angle)], axis=1)
    along = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
    points = head[:, None] + along[:, None] * np.array([12, 0, -20, -45])[None, :, None]
    count = len(frame_idx)
    predictions = Predictions(
        skeleton=SKELETON,
        frame_idx=frame_idx,
        score=np.ones(count, np.float32),
        points=points.astype(np.float32),
        point_scores=np.ones((count, 4), np.float32),
        shifted=np.empty((count, 0, 4, 2), np.float32),
        class_scores=np.empty((count, 0), np.float32),
        hidden=np.empty((count, 0), np.float32),
        frames=((0, index.frames),) if index.frames else (),
        failed_frames=np.array(failed, np.int64),
        metadata={"video": video, "release": "0123456789"},
    )
    linked = Tracks.without_identities(np.arange(count), frame_idx, track, track)
    return assemble_poses(predictions, linked, index, PoseSource("cage", video, 2.0))


def write_model(folder: Path, kind: str = "centroid", epochs: int = 8, seed: int = 0) -> Path:
    """A model folder as training leaves it, without the weights."""
    folder.mkdir(parents=True)
    config = ModelConfig.model_validate({"kind": kind})
    (folder / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    write_json(SKELETON.model_dump(mode="json"), folder / "skeleton.json")
    random = np.random.default_rng(seed)
    loss = 0.02 * np.exp(-np.arange(epochs) / 3) + 0.001
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "loss", "val_loss", "learning_rate", "seconds"])
        for epoch, value in enumerate(loss):
            noisy = value * (2 if epoch == epochs - 1 else random.uniform(1.05, 1.4))  # the last but one is the best
            writer.writerow([epoch + 1, value, noisy, 1e-3 * (1 - epoch / epochs), 10 * (epoch + 1)])
    training = {
        "kind": kind,
        "epochs": epochs,
        "best_epoch": epochs - 1,
        "best_loss": 0.001,
        "baseline_loss": 0.01,
        "beats_baseline": True,
        "seconds": 10.0 * epochs,
        "stopped_early": False,
        "parameters": 123_456,
        "precision": "float32",
        "train_frames": 80,
        "val_frames": 10,
        "train_samples": 160,
        "steps_per_epoch": 200,
        "versions": {"poseflow": "0.1.0", "keras": "3.15.0", "numpy": "2.4.0"},
        "backend": "tensorflow",
    }
    write_json(training, folder / "training.json")
    (folder / "pictures").mkdir()
    picture = random.integers(0, 255, (64, 256, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "pictures" / "val_epoch008.png"), picture)
    return folder


def write_run(results: Path) -> Path:
    """Results of a run over three recordings: one whole, one with tracks in pieces, one that cannot be read."""
    whole = make_index("cage", 1000, recorded_at=datetime(2026, 5, 1, 20, tzinfo=UTC))
    pieces = make_index("cage & <b>Käfig</b> 2", 3000, variable_fps=True, problems=("the end is cut off",))
    write_index(whole, results / "index" / "cage.json")
    write_index(pieces, results / "index" / "pieces.json")
    write_index(
        quarantine("videos/empty.mp4", "video", "the file is empty <0 bytes>"), results / "index" / "empty.json"
    )
    folder = results / "poses" / "cage"
    write_poses(make_poses(whole, [(0, 0, 1000), (1, 0, 600), (1, 640, 1000)]), folder / "cage.parquet")
    runs = [(number, 50 * number, 50 * number + 45) for number in range(60)]
    write_poses(make_poses(pieces, runs, failed=(7, 8), video="pieces"), folder / "pieces.parquet")
    write_model(results / "models" / "centroid" / "0123456789")
    write_model(results / "models" / "centered_instance" / "9876543210", "centered_instance", 30, 1)
    return results
