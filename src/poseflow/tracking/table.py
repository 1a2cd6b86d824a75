"""Give every instance of a table a track, and maybe a name."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.tables import Predictions, Tracks
from poseflow.tracking.tracker import Corrections, Outcome, Tracker


def link_tracks(predictions: Predictions | Iterable[Predictions], config: TrackingConfig) -> Tracks:
    """Give every instance a track, and with `identity` per frame or per tracklet a name.

    Each instance of a frame is compared with the tracked instances of the `window_frames` frames before it, which flow
    has moved onto it (or as they were, or as the track moves); a track's best candidate counts, and the matching with
    the greatest total gain (or greedily the best pair first) continues the tracks. Who is left over continues a track
    that has been hidden for at most `max_gap_frames` longer, else opens a new one. Frames are counted by their
    numbers: one that is empty, failed or was not read is a gap. With `identity: per_frame` names are given frame by
    frame (`name_instances`) and do not depend on the tracks; with `per_tracklet`, to tracklets (`name_tracklets`).

    Args:
        predictions: the whole table, or its blocks in order (`iter_predictions`), in bounded memory; the result is the
            same however it is cut.
        config: settings.

    Returns: tracks of the instances that were not left out; `track` and `tracklet` are numbered as they appear, a
        tracklet being a track's run of frames without a gap, for names per tracklet cut where a link is ambiguous and
        every `naming.piece_frames` frames.

    Raises: ConfigError when flow reaches less far than the window.
    Source: Pereira et al. 2022, Methods, "Flow-shift tracking"; hidden animals after the others as in Wojke et al.
        2017, "Simple online and realtime tracking with a deep association metric", matching cascade.
    """
    return follow_animals(predictions, config)[0]


def follow_animals(
    predictions: Predictions | Iterable[Predictions], config: TrackingConfig, corrections: Corrections | None = None
) -> tuple[Tracks, Outcome]:
    """As `link_tracks`, and the review items; `corrections` of a person are followed."""
    tracker = Tracker(config, corrections)
    blocks = [predictions] if isinstance(predictions, Predictions) else predictions
    parts = [part for block in blocks for part in tracker.follow(block)]
    outcome = tracker.finish()
    return join_parts([outcome.complete(part) for part in parts], tracker.identity_names, config), outcome


def join_parts(parts: Sequence[Tracks], names: tuple[str, ...], config: TrackingConfig) -> Tracks:
    """Parts of one video's rows as tracks."""

    def join(name: str, kind: type) -> NDArray[Any]:
        return np.concatenate([np.empty(0, kind), *(getattr(part, name) for part in parts)])

    return Tracks(
        row=join("row", np.int64),
        frame_idx=join("frame_idx", np.int64),
        tracklet=join("tracklet", np.int32),
        track=join("track", np.int32),
        identity_code=join("identity_code", np.int16),
        identity_score=join("identity_score", np.float32),
        identity_names=names,
        metadata={"tracking": config.model_dump(mode="json")},
    )
