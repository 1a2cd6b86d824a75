"""A synthetic recording on disk, with the truth beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseflow.config.synth import SynthConfig
from poseflow.core.logs import show_progress
from poseflow.media import write_video
from poseflow.synth.camera import Camera
from poseflow.synth.simulate import CagePoses, simulate_cage
from poseflow.synth.truth import Labels, open_truth

_LABEL_EVERY, _MOST_LABELS = 10, 5000


@dataclass(frozen=True)
class Recording:
    """Where a synthetic recording and its truth lie."""

    video: Path
    labels: Path
    truth: Path


def render_cage(path: str | Path, config: SynthConfig | None = None) -> Recording:
    """Render a recording of a home cage to `path`; beside it `{stem}.slp` and `{stem}.truth.parquet`.

    Memory does not grow with the recording, apart from the labels (`label_every`). The video comes last and each file
    is written atomically: where there is a video, its truth is there too.

    Raises: VideoError where the video cannot be written.
    """
    config = config or SynthConfig()
    path = Path(path)
    recording = Recording(path, path.with_suffix(".slp"), path.with_suffix(".truth.parquet"))
    labels = Labels()
    every = label_step(config)
    with open_truth(recording.truth) as truth, show_progress(path.name, config.frames, "frames") as advance:

        def film() -> Iterator[NDArray[np.uint8]]:
            for poses, frame in film_cage(config):
                truth.append(poses)
                if poses.frame_idx % every == 0:
                    labels.append(poses)
                yield frame
                advance(1)
            labels.write(recording.labels, path)

        write_video(path, film(), config.fps, crf=config.crf, gop=config.gop, bframes=config.bframes)
    return recording


def label_step(config: SynthConfig) -> int:
    """Frames from one labeled frame to the next."""
    return config.label_every or max(_LABEL_EVERY, -(-config.frames // _MOST_LABELS))


def film_cage(config: SynthConfig) -> Iterator[tuple[CagePoses, NDArray[np.uint8]]]:
    """The poses and the frame (height, width, 3), RGB, of every frame."""
    size = (config.width, config.height)
    camera = None
    for poses in simulate_cage(
        config.frames, config.animals, config.seed, size=size, fps=config.fps, body_px=config.body_px
    ):
        camera = camera or Camera(config, poses.layout)
        yield poses, camera.shoot(poses)
