"""From one picture to the animals on it, with tracks and names: networks, then the linker of `poseflow track`."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from poseflow.config import PredictConfig, TrackingConfig
from poseflow.inference import Pipeline
from poseflow.tables import Instances, Predictions, Tracks
from poseflow.tracking import Tracker

WARM_UPS = 3


def suit_prediction(config: PredictConfig) -> PredictConfig:
    """The settings of prediction as they are live: frame by frame, without flow, which looks at frames to come."""
    flow = config.flow.model_copy(update={"window_frames": 0})
    return config.model_copy(update={"batch_size": 1, "flow": flow})


def suit_tracking(config: TrackingConfig, names: bool) -> TrackingConfig:
    """The settings of tracking as they are live: what needs frames that are still to come is replaced.

    `candidates: flow` becomes `kalman`; `identity: per_tracklet` becomes `per_frame`.

    Args:
        names: whether the models tell animals apart. Then `identity: none`, the default, is `per_frame` too.
    """
    changes: dict[str, str] = {}
    if config.candidates == "flow":
        changes["candidates"] = "kalman"
    if config.identity == "per_tracklet" or (names and config.identity == "none"):
        changes["identity"] = "per_frame"
    return config.model_copy(update=changes)


class Follower:
    """Finds, tracks and names the animals of one picture after the other.

    Tracks are linked over the pictures that are looked at: these are counted without those that were skipped, so that
    a network slower than the camera looks no farther back than a quick one.

    Args:
        config: of `suit_tracking`.
    """

    def __init__(self, pipeline: Pipeline, config: TrackingConfig, clock: Callable[[], float] = perf_counter) -> None:
        self.pipeline = pipeline
        self._clock = clock
        self._batch_size = 1
        self._tracker = Tracker(config)
        self._names = config.names if config.identity != "none" else None
        self._looked_at = 0
        self._rows = 0

    @property
    def identity_names(self) -> tuple[str, ...]:
        """Names that animals may get."""
        return tuple(name for name in self.pipeline.identities if self._names is None or name in self._names)

    def warm_up(self, shape: tuple[int, ...]) -> None:
        """Compile what is compiled at the first pictures, of shape (height, width, channels); choose the quicker batch.

        A picture is looked at alone, or with a black one beside it, whichever is quicker. TensorFlow's oneDNN needs
        thirty times as long for one picture as for two, where a processor has no AVX512 (docs/benchmarks.md).
        """
        spent = {}
        for size in (1, 2):
            seconds = []
            for _ in range(WARM_UPS):
                begin = self._clock()
                self.pipeline.find(np.zeros((size, *shape), np.uint8))
                seconds.append(self._clock() - begin)
            spent[size] = min(seconds)
        self._batch_size = min(spent, key=spent.__getitem__)

    def follow(self, image: NDArray[np.uint8]) -> tuple[Instances, Tracks]:
        """Animals on a picture (height, width, channels), as far as they are tracked, and their tracks, row by row."""
        number, self._looked_at = self._looked_at, self._looked_at + 1
        found = self.pipeline.find(self._make_batch(image))
        found = found.take(found.frame_idx == 0)
        found = found.take(np.argsort(-found.score, kind="stable"))
        block = Predictions(
            **vars(replace(found, frame_idx=np.full(len(found), number, np.int64))),
            skeleton=self.pipeline.skeleton,
            class_names=self.pipeline.identities,
            frames=((number, number + 1),),
            first_row=self._rows,
        )
        tracks = next(iter(self._tracker.follow(block)), None)
        self._tracker.forget_reviews()
        first, self._rows = self._rows, self._rows + len(found)
        if tracks is None:
            nobody = Tracks.without_identities([], [], [], [])
            return found.take(slice(0, 0)), replace(nobody, identity_names=self.identity_names)
        return found.take(tracks.row - first), tracks

    def _make_batch(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._batch_size == 1:
            return image[None]
        batch = np.zeros((self._batch_size, *image.shape), np.uint8)
        batch[0] = image
        return batch
