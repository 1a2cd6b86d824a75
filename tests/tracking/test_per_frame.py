"""Names: the best matching of each frame, each name once, and the same however the table is cut."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import TrackingConfig
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import Predictions, iter_predictions, write_predictions
from poseflow.tracking import link_tracks

SKELETON = Skeleton(nodes=("a", "b"))
NAMES = ("anna", "bert", "carl")
CONFIG = TrackingConfig(identity="per_frame", candidates="window")


def make_predictions(scenes, names=NAMES[:2]):
    """Frames as lists of class probabilities, one list an animal; animals stand 100 px apart."""
    frame_idx = [frame for frame, animals in enumerate(scenes) for _ in animals]
    points = [[[100 * i, 0], [100 * i + 20, 5]] for animals in scenes for i in range(len(animals))]
    scores = [0.9 - 0.1 * i for animals in scenes for i in range(len(animals))]
    plain = Predictions.from_instances(SKELETON, frame_idx, points, scores, [(0, len(scenes))])
    classes = np.array([row for animals in scenes for row in animals], np.float32).reshape(-1, len(names))
    sure = plain.point_scores * plain.score[:, None]
    return replace(plain, point_scores=sure, class_scores=classes, class_names=names)


def names_of(predictions, config=CONFIG):
    return link_tracks(predictions, config).identity


def test_names_go_where_they_suit_best_together():
    assert names_of(make_predictions([[[0.9, 0.8], [0.7, 0.1]]])) == ["bert", "anna"]


def test_a_name_is_given_once():
    tracks = link_tracks(make_predictions([[[0.9, 0.1], [0.8, 0.2], [0.95, 0.05]]]), CONFIG)
    assert tracks.identity == [None, "bert", "anna"]
    np.testing.assert_allclose(tracks.identity_score, [np.nan, 0.2, 0.95])


def test_who_looks_like_nobody_stays_unnamed_and_keeps_a_track():
    tracks = link_tracks(make_predictions([[[0.0004, 0.0003], [0.1, 0.9]], [[np.nan, np.nan]]]), CONFIG)
    assert tracks.identity == [None, "bert", None]
    assert tracks.track.tolist() == [0, 1, 0]
    assert np.isnan(tracks.identity_score[[0, 2]]).all()
    lax = CONFIG.model_copy(update={"min_identity_score": 0.0})
    assert names_of(make_predictions([[[0.0004, 0.0003], [0.1, 0.9]]]), lax) == ["anna", "bert"]


def test_an_animal_that_leaves_takes_its_name_along_and_brings_it_back():
    scenes = [[[0.9, 0.1], [0.2, 0.8]], [[0.3, 0.7]], [], [[0.1, 0.9], [0.6, 0.4]]]
    assert names_of(make_predictions(scenes)) == ["anna", "bert", "bert", "bert", "anna"]


def test_no_animal_has_the_name_of_one_that_is_not_there():
    predictions = make_predictions([[[0.9, 0.05, 0.05], [0.6, 0.3, 0.1]]], NAMES)
    assert names_of(predictions) == ["anna", "bert"]
    tracks = link_tracks(predictions, CONFIG.model_copy(update={"names": ("carl", "bert")}))
    assert (tracks.identity, tracks.identity_names) == (["carl", "bert"], ("bert", "carl"))
    with pytest.raises(ConfigError, match=r"\(anna, bert, carl\), got dora"):
        link_tracks(predictions, CONFIG.model_copy(update={"names": ("anna", "dora")}))


def test_who_is_not_tracked_takes_no_name():
    predictions = make_predictions([[[0.5, 0.5], [0.9, 0.1]]])
    assert names_of(predictions, CONFIG.model_copy(update={"animals": 1})) in (["anna"], ["bert"])
    low = CONFIG.model_copy(update={"min_instance_score": 0.85})
    tracks = link_tracks(make_predictions([[[0.5, 0.4], [0.9, 0.1]]]), low)
    assert (tracks.row.tolist(), tracks.identity) == ([0], ["anna"])


def test_by_motion_nobody_has_a_name():
    tracks = link_tracks(make_predictions([[[0.9, 0.1]]]), CONFIG.model_copy(update={"identity": "none"}))
    assert (tracks.identity, tracks.identity_names) == ([None], ())


def test_models_without_names_cannot_give_any():
    predictions = Predictions.from_instances(SKELETON, [0], [[[0, 0], [9, 9]]])
    with pytest.raises(ConfigError, match=r"tracking\.identity must be none .*got per_frame"):
        link_tracks(predictions, CONFIG)
    nothing = Predictions.from_instances(SKELETON, [], np.empty((0, 2, 2)))
    assert len(link_tracks(nothing, CONFIG)) == 0, "a recording that cannot be read is no error"


def make_crowd(seed, frames=30):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, frames)
    return make_predictions([rng.dirichlet(np.full(3, 0.5), count).tolist() for count in counts], NAMES)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3]))
def test_no_other_names_suit_better(seed, least):
    predictions = make_crowd(seed)
    tracks = link_tracks(predictions, CONFIG.model_copy(update={"min_identity_score": least}))
    for frame in np.unique(predictions.frame_idx):
        scores = predictions.class_scores[predictions.frame_idx == frame]
        allowed = np.where(scores >= least, scores, 0)
        choices = permutations([0, 1, 2, *[None] * len(scores)], len(scores))
        best = max(sum(allowed[i, c] for i, c in enumerate(choice) if c is not None) for choice in choices)
        codes = tracks.identity_code[tracks.frame_idx == frame]
        named = codes[codes >= 0]
        assert len(set(named)) == len(named)
        given = np.nansum(tracks.identity_score[tracks.frame_idx == frame])
        np.testing.assert_allclose(given, best, atol=1e-5)


@pytest.mark.parametrize("batch_frames", [1, 4, 1000])
@pytest.mark.parametrize("block_rows", [1, 17])
def test_names_do_not_depend_on_shards_and_blocks(tmp_path, monkeypatch, batch_frames, block_rows):
    whole = make_crowd(1, frames=40)
    expected = link_tracks(whole, CONFIG)
    assert 0 < (expected.identity_code >= 0).sum() < len(expected)
    for start, stop in ((0, 11), (11, 12), (12, 40)):
        rows = (whole.frame_idx >= start) & (whole.frame_idx < stop)
        arrays = ("frame_idx", "score", "points", "point_scores", "shifted", "class_scores", "hidden")
        shard = replace(whole, **{name: getattr(whole, name)[rows] for name in arrays}, frames=((start, stop),))
        write_predictions(shard, tmp_path / f"{start}.parquet")
    monkeypatch.setattr("poseflow.tracking.tracker.BLOCK_ROWS", block_rows)
    found = link_tracks(iter_predictions(sorted(tmp_path.glob("*.parquet")), batch_frames), CONFIG)
    for name in ("row", "frame_idx", "track", "identity_code", "identity_score"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.identity_names == NAMES
