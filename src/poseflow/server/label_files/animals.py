"""Animals of a labeled frame, as the page has them and as SLEAP's files do."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from poseflow.server.errors import RefusedError
from poseflow.server.messages.labels import LabelAnimal

if TYPE_CHECKING:
    import sleap_io as sio


def describe_animal(one: sio.Instance) -> LabelAnimal:
    """An animal of a file as the page has it."""
    import sleap_io as sio

    xy, visible = np.asarray(one.points["xy"], np.float64), np.asarray(one.points["visible"], np.bool_)
    is_set = np.asarray(np.isfinite(xy).all(axis=1), np.bool_)
    is_predicted = isinstance(one, sio.PredictedInstance)
    return LabelAnimal(
        points=[(float(x), float(y)) if known else None for (x, y), known in zip(xy, is_set, strict=True)],
        visible=(visible & is_set).tolist(),
        track=one.track.name if one.track is not None else None,
        predicted=is_predicted,
        score=float(one.score) if is_predicted else None,
    )


def build_animal(labels: sio.Labels, one: LabelAnimal) -> sio.Instance:
    """An animal of the page as a file has it; raises RefusedError for one that cannot be."""
    import sleap_io as sio

    skeleton = labels.skeletons[0]
    count = len(skeleton.nodes)
    if len(one.points) != count or len(one.visible) != count:
        raise RefusedError(422, "invalid", f"an animal must have a point or null for each of {count} nodes")
    points = np.array([point if point is not None else (np.nan, np.nan) for point in one.points], np.float64)
    if not np.isfinite(points).all(axis=1).any():
        raise RefusedError(422, "invalid", "an animal must have a point that is seen, got none")
    track = _find_track(labels, one.track) if one.track else None
    if one.predicted:
        made = sio.PredictedInstance.from_numpy(points, skeleton, score=one.score or 0.0, track=track)
    else:
        made = sio.Instance.from_numpy(points, skeleton, track=track)
    made.points["visible"] = np.isfinite(points).all(axis=1) & np.array(one.visible, np.bool_)
    if not one.predicted:
        made.points["complete"] = True
    return made


def _find_track(labels: sio.Labels, name: str) -> sio.Track:
    import sleap_io as sio

    found = next((track for track in labels.tracks if track.name == name), None)
    if found is None:
        found = sio.Track(name=name)
        labels.tracks.append(found)
    return found


def revision_of(animals: Sequence[LabelAnimal], is_there: bool) -> str:
    """What changes when a frame does."""
    text = "\n".join(animal.model_dump_json() for animal in animals)
    return hashlib.sha256(f"{is_there}\n{text}".encode()).hexdigest()[:16]
