"""What is said of hidden nodes goes from the predictions to the poses, and only where a model says it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from fake_results import make_index

import poseflow
from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import (
    Instances,
    PoseEdits,
    PoseSource,
    Predictions,
    Tracks,
    assemble_files,
    assemble_poses,
    describe_predictions,
    open_poses,
    read_predictions,
    write_poses,
    write_predictions,
)

SKELETON = Skeleton(nodes=("nose", "tail"))
SOURCE = PoseSource("cage", "cage")
FRAMES = 6


def make_predictions() -> Predictions:
    """An animal in each frame, in the last without a tail, of a model that tells hidden nodes."""
    points = np.arange(4 * FRAMES, dtype=np.float32).reshape(FRAMES, 2, 2)
    points[-1, 1] = np.nan
    plain = Predictions.from_instances(SKELETON, np.arange(FRAMES), points)
    hidden = np.where(np.isnan(points[..., 0]), np.nan, np.linspace(0, 1, 2 * FRAMES).reshape(FRAMES, 2))
    return replace(plain, hidden=hidden.astype(np.float32))


def make_tracks() -> Tracks:
    rows = np.arange(FRAMES)
    return Tracks.without_identities(rows, rows, np.zeros(FRAMES), np.zeros(FRAMES))


def cut(whole: Predictions, start: int, stop: int) -> Predictions:
    return replace(whole, **vars(Instances.take(whole, slice(start, stop))), frames=((start, stop),))


def test_predictions_are_read_as_written_in_shards_too(tmp_path: Path) -> None:
    whole, paths = make_predictions(), [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    for path, part in zip(paths, ((0, 2), (2, FRAMES)), strict=True):
        write_predictions(cut(whole, *part), path)
    assert "tail.hidden" in pq.read_schema(paths[0]).names
    np.testing.assert_array_equal(read_predictions(paths).hidden, whole.hidden, strict=True)
    assert describe_predictions(paths).tells_hidden


def test_shards_that_differ_in_it_are_refused(tmp_path: Path) -> None:
    whole, paths = make_predictions(), [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    write_predictions(cut(whole, 0, 2), paths[0])
    silent = replace(whole, hidden=np.empty((FRAMES, 0), np.float32))
    write_predictions(cut(silent, 2, FRAMES), paths[1])
    with pytest.raises(TableError, match="columns of hidden nodes must be the same"):
        read_predictions(paths)
    assert not [name for name in pq.read_schema(paths[1]).names if "hidden" in name]
    assert b"hidden" not in pq.read_metadata(paths[1]).metadata[b"poseflow"]


def test_poses_say_it_of_nodes_that_no_person_set(tmp_path: Path) -> None:
    predictions, tracks, index = make_predictions(), make_tracks(), make_index("cage", FRAMES)
    edits = PoseEdits.build(
        2,
        {1: (np.full((2, 2), 7.0), np.array([True, False]))},
        [(3, np.ones((2, 2)), np.array([True, True]), 5, None, None)],
    )
    expected = predictions.hidden.copy()
    expected[1, 0] = np.nan
    expected = np.insert(expected, 4, np.nan, axis=0)
    write_predictions(predictions, tmp_path / "p.parquet")
    write_poses(assemble_poses(predictions, tracks, index, SOURCE, edits), tmp_path / "whole.parquet")
    assemble_files([tmp_path / "p.parquet"], tracks, index, SOURCE, tmp_path / "pieces.parquet", edits)
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "pieces.parquet").read_bytes()
    wide = poseflow.read_poses(tmp_path / "whole.parquet")
    np.testing.assert_array_equal(wide[["nose.hidden", "tail.hidden"]].to_numpy(np.float32), expected)
    assert pq.read_table(tmp_path / "whole.parquet").column("tail.hidden").null_count == 2
    long = poseflow.read_poses(tmp_path / "whole.parquet", layout="long")
    assert list(long.columns[-5:]) == ["x", "y", "score", "edited", "hidden"]
    np.testing.assert_array_equal(long["hidden"].to_numpy(np.float32), expected.reshape(-1))
    dense = poseflow.read_poses(tmp_path / "whole.parquet", layout="xarray")
    np.testing.assert_array_equal(dense["hidden"].sel(individuals="track_0").values[:, 1], predictions.hidden[:, 1])
    _, note = open_poses(tmp_path / "whole.parquet")
    assert note["tells_hidden"] is True


def test_tables_with_and_without_are_read_together(tmp_path: Path) -> None:
    predictions, tracks, index = make_predictions(), make_tracks(), make_index("cage", FRAMES)
    write_poses(assemble_poses(predictions, tracks, index, SOURCE), tmp_path / "a.parquet")
    silent = replace(predictions, hidden=np.empty((FRAMES, 0), np.float32))
    write_poses(assemble_poses(silent, tracks, index, SOURCE), tmp_path / "b.parquet")
    assert "tells_hidden" not in open_poses(tmp_path / "b.parquet")[1]
    both = poseflow.read_poses(tmp_path, layout="long")
    assert both["hidden"].notna().sum() == 2 * FRAMES - 1
