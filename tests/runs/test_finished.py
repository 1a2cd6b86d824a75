"""Finished work outlives a run that did not see its end, and what was kept for that is removed once it is noted."""

import os

import numpy as np
import pytest

from poseflow.core.skeleton import Skeleton
from poseflow.runs.finished import clear_noted, keep_finished, take_finished
from poseflow.tables import Predictions, write_predictions

SKELETON = Skeleton(nodes=("nose", "tail"))


@pytest.fixture
def table(tmp_path):
    path, points = tmp_path / "a.parquet", np.random.default_rng(0).random((10, 2, 2))
    found = Predictions.from_instances(SKELETON, np.arange(10), points, metadata={"made_from": "this"})
    write_predictions(found, path)
    return path


def test_a_finished_table_is_taken_again_where_it_was_made_from_the_same(table, tmp_path):
    content = table.read_bytes()
    keep_finished(table, tmp_path / "kept")
    table.unlink()
    assert not take_finished(table, tmp_path / "kept", (0, 10), "that")
    assert not take_finished(table, tmp_path / "kept", (0, 11), "this")
    assert not table.exists()
    assert take_finished(table, tmp_path / "kept", (0, 10), "this")
    assert table.read_bytes() == content


def test_what_was_kept_stays_until_a_later_step_has_come_after_it(table, tmp_path):
    kept, tracks = tmp_path / "kept", tmp_path / "tracks"
    keep_finished(table, kept)
    clear_noted(kept, kept, tracks)
    assert kept.exists(), "nothing came after it"
    tracks.touch()
    os.utime(tracks, (0, 0))
    clear_noted(kept, kept, tracks)
    assert kept.exists(), "what is there came of an earlier one"
    os.utime(tracks)
    clear_noted(kept, kept, tracks)
    assert not kept.exists()
    clear_noted(kept, kept, tracks)
