"""Give every instance a track, from tables alone."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from poseflow.config import TrackingConfig
from poseflow.errors import ConfigError
from poseflow.tables import Predictions, Tracks
from poseflow.tracking.identities import NAMINGS
from poseflow.tracking.instances import describe_instances
from poseflow.tracking.linker import Linker
from poseflow.tracking.selection import select_instances

_NOTHING = tuple(np.empty(0, kind) for kind in (np.int64, np.int64, np.int32, np.int32, np.int16, np.float32))
BLOCK_ROWS = 2048
"""Instances whose pairs are compared in one go: enough for NumPy, few enough for the processor's cache."""


def link_tracks(predictions: Predictions | Iterable[Predictions], config: TrackingConfig) -> Tracks:
    """Give every instance a track, and in mode `identity` a name.

    Each instance of a frame is compared with the tracked instances of the `window_frames` frames before it, which flow
    has moved onto it (or as they were, or as the track moves); a track's best candidate counts, and the matching with
    the greatest total gain (or greedily the best pair first) continues the tracks. Who is left over continues a track
    that has been hidden for at most `max_gap_frames` longer, else opens a new one. Frames are counted by their
    numbers: one that is empty, failed or was not read is a gap. Names are given frame by frame (`name_instances`), and
    do not depend on the tracks.

    Args:
        predictions: the whole table, or its blocks in order (`iter_predictions`), in bounded memory; the result is the
            same however it is cut.
        config: settings.

    Returns: tracks of the instances that were not left out; `track` and `tracklet` are numbered as they appear, a
        tracklet being a track's run of frames without a gap.

    Raises: ConfigError when flow reaches less far than the window.
    Source: Pereira et al. 2022, Methods, "Flow-shift tracking"; hidden animals after the others as in Wojke et al.
        2017, "Simple online and realtime tracking with a deep association metric", matching cascade.
    """
    linker, linked = Linker(config), [_NOTHING]
    names: tuple[str, ...] = ()
    for block in [predictions] if isinstance(predictions, Predictions) else predictions:
        _check_lags(block, config)
        for part in _cut_at_frames(block):
            found = linker.link(describe_instances(part, select_instances(part, config), config))
            named = NAMINGS[config.mode](part, found.row - part.first_row, config)
            linked.append((found.row, found.frame_idx, found.tracklet, found.track, *named))
        names = block.class_names if config.mode == "identity" else ()
    row, frame_idx, tracklet, track, code, score = (np.concatenate(part) for part in zip(*linked, strict=True))
    track = linker.finals()[track]
    return Tracks(row, frame_idx, tracklet, track, code, score, names, {"tracking": config.model_dump(mode="json")})


def _check_lags(predictions: Predictions, config: TrackingConfig) -> None:
    if config.candidates == "flow" and predictions.lags < config.window_frames:
        raise ConfigError(
            f"tracking.window_frames must be at most predict.flow.window_frames, which was {predictions.lags} when the "
            f"predictions were made, got {config.window_frames}; or set tracking.candidates to 'window'"
        )


def _cut_at_frames(predictions: Predictions) -> Iterator[Predictions]:
    """Blocks of about BLOCK_ROWS rows that hold whole frames."""
    begin, n = 0, len(predictions)
    while begin < n:
        last_frame = predictions.frame_idx[min(begin + BLOCK_ROWS, n) - 1]
        stop = int(np.searchsorted(predictions.frame_idx, last_frame, "right"))
        rows = {
            name: getattr(predictions, name)[begin:stop]
            for name in ("frame_idx", "instance_score", "points", "point_scores", "shifted", "class_scores")
        }
        yield replace(predictions, **rows, first_row=predictions.first_row + begin)
        begin = stop
