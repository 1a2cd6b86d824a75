"""Claims as changes of a video's pose table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from poseflow.corrections.claims import AnyClaim, place_of
from poseflow.corrections.standing import VideoEdits, find_edits
from poseflow.tables import PoseEdits, describe_predictions


def find_pose_edits(
    claims: Sequence[AnyClaim], video: str, predictions: Sequence[Path], added: Sequence[Mapping[str, Any]]
) -> PoseEdits:
    """What claims change in the poses of one video.

    Args:
        claims: of its recording. predictions: its shards.
        added: tracks of animals that a person added, as the tracks table's metadata has them.
    """
    about = [claim for claim in claims if (place := place_of(claim)) is None or place[0] == video]
    edits = find_edits(about, {video: predictions}).videos.get(video, VideoEdits())
    nodes = len(describe_predictions(list(predictions)).skeleton.nodes)
    tracks = {(one["claim"], one["frame"]): one for one in added if one["video"] == video}
    changed = {row: (edit.points, edit.edited) for row, edit in edits.edits.items()}
    animals = [
        (one.frame, one.points, one.edited, own["track"], own["identity"], own["identity_score"])
        for one in edits.added
        if (own := tracks.get((one.claim.id, one.frame))) is not None
    ]
    return PoseEdits.build(nodes, changed, animals)
