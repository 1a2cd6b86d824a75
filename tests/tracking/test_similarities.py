"""A similarity of another package is used like one of our own, by its name in the settings."""

import numpy as np
import pytest

from poseflow.config import SIMILARITIES, TrackingConfig, parse_section
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import Predictions
from poseflow.tracking import link_tracks
from poseflow.tracking.linking.pairs import Similarity


def test_every_name_leads_to_a_similarity():
    assert list(SIMILARITIES) == ["centroid", "iou", "normalized", "oks"]
    assert all(isinstance(SIMILARITIES[name], Similarity) for name in SIMILARITIES)


def test_a_misspelled_name_is_answered_with_those_that_there_are():
    with pytest.raises(ConfigError, match="similarity must be one of centroid, iou, normalized, oks, got 'osk'"):
        parse_section(TrackingConfig, {"similarity": "osk"}, "config")


def test_a_similarity_of_another_package_links(monkeypatch):
    @Similarity
    def same_height(pairs, config):
        """1 where the first nodes are in one row of the image."""
        return (pairs.points[:, 0, 1] == pairs.candidate_points[:, 0, 1]).astype(float)

    monkeypatch.setitem(SIMILARITIES._parts, "height", same_height)
    points = np.array([[[0, 10], [9, 10]], [[50, 20], [59, 20]], [[50, 10], [59, 10]], [[0, 20], [9, 20]]])
    predictions = Predictions.from_instances(Skeleton(nodes=("a", "b")), [0, 0, 1, 1], points)
    tracks = link_tracks(predictions, TrackingConfig(similarity="height", candidates="window"))
    assert tracks.track.tolist() == [0, 1, 0, 1], "at their heights, though the others were nearer"
