"""Predictions tables: exact, deterministic, and whole or absent."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import (
    Instances,
    Predictions,
    PredictionsWriter,
    describe_predictions,
    iter_predictions,
    merge_ranges,
    read_predictions,
    write_predictions,
)
from poseflow.tables.displacements import STEP_PX, decode_displacements, encode_displacements

SKELETON = Skeleton.from_names(["nose", "tail base"], [("nose", "tail base")])
ARRAYS = ("frame_idx", "score", "points", "point_scores", "shifted", "class_scores", "hidden", "failed_frames")


def make_predictions(frames: int = 50, lags: int = 2, seed: int = 0, **changes) -> Predictions:
    """Zero to three instances in each frame, some points missing."""
    rng = np.random.default_rng(seed)
    frame_idx = np.repeat(np.arange(frames), rng.integers(0, 4, frames))
    n = len(frame_idx)
    points = rng.normal(100, 50, (n, 2, 2)).astype(np.float32)
    points[rng.random((n, 2)) < 0.2] = np.nan
    plain = Predictions.from_instances(SKELETON, frame_idx, points, rng.random(n), [(0, frames)], {"video": "a"})
    return replace(
        plain,
        shifted=shift_at_random(plain.points, lags, rng),
        class_scores=rng.random((n, 2)).astype(np.float32),
        class_names=("male", "female"),
        failed_frames=np.array([0, 3], np.int64)[: frames // 4],
        **changes,
    )


def shift_at_random(points: np.ndarray, lags: int, rng: np.random.Generator) -> np.ndarray:
    """Points on later frames, in whole steps, in which they are stored; some are lost."""
    away = np.round(rng.normal(0, 20, (len(points), lags, 2, 2)) / STEP_PX) * STEP_PX
    away[rng.random(away.shape[:3]) < 0.2] = np.nan
    return (points[:, None] + away.astype(np.float32)).astype(np.float32)


def cut(whole: Predictions, start: int, stop: int) -> Predictions:
    """The shard of frames [start, stop)."""
    rows = (whole.frame_idx >= start) & (whole.frame_idx < stop)
    failed = whole.failed_frames[(whole.failed_frames >= start) & (whole.failed_frames < stop)]
    arrays = {name: getattr(whole, name)[rows] for name in ARRAYS[:-1]}
    return replace(whole, **arrays, failed_frames=failed, frames=merge_ranges([(start, stop)]))


def assert_same(one: Predictions, other: Predictions) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name, strict=True)
    assert one.skeleton == other.skeleton
    assert (one.class_names, one.frames, one.metadata) == (other.class_names, other.frames, other.metadata)


def test_what_is_written_is_read(tmp_path):
    predictions = make_predictions()
    write_predictions(predictions, tmp_path / "p.parquet")
    assert_same(read_predictions(tmp_path / "p.parquet"), predictions)


def test_columns_are_named_by_node_part_and_class(tmp_path):
    write_predictions(make_predictions(), tmp_path / "p.parquet")
    assert pq.read_schema(tmp_path / "p.parquet").names == [
        *("frame_idx", "instance_score", "nose.x", "nose.y", "nose.score"),
        *("tail base.x", "tail base.y", "tail base.score", "class.male", "class.female", "displacements"),
    ]


@pytest.mark.slow
@settings(max_examples=25)
@given(
    frames=st.integers(1, 40),
    cuts=st.lists(st.integers(1, 39), max_size=4),
    lags=st.integers(0, 2),
    batch_frames=st.integers(1, 50),
)
def test_shards_together_are_the_whole(tmp_path_factory, frames, cuts, lags, batch_frames):
    folder = tmp_path_factory.mktemp("shards")
    whole = make_predictions(frames, lags)
    borders = sorted({0, frames, *(border for border in cuts if border < frames)})
    paths = []
    for start, stop in pairwise(borders):
        paths.append(folder / f"{len(paths)}.parquet")
        write_predictions(cut(whole, start, stop), paths[-1])
    assert_same(read_predictions(paths[::-1]), whole)

    blocks = list(iter_predictions(paths, batch_frames))
    assert [block.first_row for block in blocks] == [0, *np.cumsum([len(block) for block in blocks])[:-1]]
    assert sum(stop - start for block in blocks for start, stop in block.frames) == frames
    for name in ARRAYS:
        joined = np.concatenate([getattr(block, name) for block in blocks])
        np.testing.assert_array_equal(joined, getattr(whole, name), err_msg=name)

    header = describe_predictions(paths)
    assert (len(header), header.frames, header.lags) == (0, whole.frames, whole.lags)
    np.testing.assert_array_equal(header.failed_frames, whole.failed_frames)


def test_bytes_do_not_depend_on_how_rows_were_appended(tmp_path, monkeypatch):
    monkeypatch.setattr("poseflow.tables.parquet.ROW_GROUP_ROWS", 16)
    p = make_predictions(60)
    for name, step in (("one", 60), ("many", 7)):
        with PredictionsWriter(tmp_path / name, SKELETON, 2, p.class_names, {"b": 1, "a": 2}) as writer:
            for start in range(0, 60, step):
                part = cut(p, start, start + step)
                writer.append(part.take(np.random.default_rng(start).permutation(len(part))))
            writer.close([(0, 60)], p.failed_frames)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "many").read_bytes()
    assert pq.ParquetFile(tmp_path / "one").num_row_groups > 2


def test_nothing_there_and_never_looked_differ(tmp_path):
    with PredictionsWriter(tmp_path / "p.parquet", SKELETON) as writer:
        writer.append(Instances.from_arrays([4, 4], [0.2, 0.9], np.ones((2, 2, 2)), np.ones((2, 2))))
        writer.close([(0, 5), (8, 9)], [2])
    read = read_predictions(tmp_path / "p.parquet")
    assert read.frames == ((0, 5), (8, 9))
    assert read.failed_frames.tolist() == [2]
    assert read.score.tolist() == pytest.approx([0.9, 0.2])


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), lags=st.integers(1, 6), spread=st.sampled_from([0.01, 1.0, 300.0]))
def test_shifted_points_are_kept_within_half_a_step_and_then_as_they_are(seed, lags, spread):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 4000, (20, 3, 2)).astype(np.float32)
    points[rng.random((20, 3)) < 0.1] = np.nan
    shifted = (points[:, None] + rng.normal(0, spread, (20, lags, 3, 2))).astype(np.float32)
    shifted[rng.random(shifted.shape[:3]) < 0.3] = np.nan
    kept = decode_displacements(points, encode_displacements(points, shifted))
    np.testing.assert_array_equal(np.isnan(kept), np.isnan(shifted))
    # float32 itself is 1/4096 px at 4,000 px.
    assert np.nanmax(np.abs(kept - shifted), initial=0) <= STEP_PX / 2 + 1e-3
    np.testing.assert_array_equal(decode_displacements(points, encode_displacements(points, kept)), kept)


def test_leaving_out_shifted_points_leaves_the_rest(tmp_path):
    predictions = make_predictions()
    write_predictions(predictions, tmp_path / "p.parquet")
    read = read_predictions(tmp_path / "p.parquet", with_shifted=False)
    assert read.shifted.shape == (len(predictions), 0, 2, 2)
    np.testing.assert_array_equal(read.points, predictions.points)


def test_no_file_appears_when_writing_fails(tmp_path):
    with pytest.raises(KeyboardInterrupt), PredictionsWriter(tmp_path / "p.parquet", SKELETON):
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="finished"), PredictionsWriter(tmp_path / "p.parquet", SKELETON):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("frames", "message"), [([5], "after frame 5"), ([3, 7], "after frame 5"), ([9], "shape")], ids=str
)
def test_writer_refuses(tmp_path, frames, message):
    n = len(frames)
    points = np.ones((n, 2, 2) if frames != [9] else (n, 3, 2))
    with pytest.raises(TableError, match=message), PredictionsWriter(tmp_path / "p.parquet", SKELETON) as writer:
        writer.append(Instances.from_arrays([5], [1], np.ones((1, 2, 2)), np.ones((1, 2))))
        writer.append(Instances.from_arrays(frames, np.ones(n), points, np.ones((n, 2))))


def test_frames_must_cover_the_rows(tmp_path):
    with pytest.raises(TableError, match="cover"), PredictionsWriter(tmp_path / "p.parquet", SKELETON) as writer:
        writer.append(Instances.from_arrays([5], [1], np.ones((1, 2, 2)), np.ones((1, 2))))
        writer.close([(0, 5)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": ((12, 20),)}, r"b\.parquet must begin at frame 10.*a\.parquet.*gap"),
        ({"frames": ((8, 20),)}, "overlap"),
        ({"skeleton": Skeleton(nodes=("nose", "ear"))}, "skeleton must be the same"),
        ({"class_names": ("m", "f")}, "class names must be the same"),
        ({"shifted": np.empty((0, 1, 2, 2), np.float32)}, "lags must be the same"),
        ({"metadata": {"video": "other"}}, "video must be the same"),
    ],
    ids=["gap", "overlap", "skeleton", "classes", "lags", "video"],
)
def test_shards_that_do_not_fit_are_refused(tmp_path, changes, message):
    whole = make_predictions(20)
    second = replace(cut(whole, 20, 20), **{"frames": ((10, 20),), **changes})
    write_predictions(cut(whole, 0, 10), tmp_path / "a.parquet")
    write_predictions(second, tmp_path / "b.parquet")
    for read in (read_predictions, describe_predictions):
        with pytest.raises(TableError, match=message):
            read([tmp_path / "a.parquet", tmp_path / "b.parquet"])


def damage(path, how: str) -> None:
    whole = path.read_bytes()
    if how == "truncated":
        path.write_bytes(whole[:-30])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("frame_idx,x\n0,1\n")
    elif how == "absent":
        path.unlink()
    elif how == "bit rot":
        path.write_bytes(whole[:60] + bytes([whole[60] ^ 255]) + whole[61:])
    elif how == "foreign":
        pq.write_table(pa.table({"frame_idx": [1]}), path)
    elif how == "no column":
        table = pq.read_table(path).drop_columns(["nose.y"])
        note = pq.ParquetFile(path).metadata.metadata[b"poseflow"]
        pq.write_table(table.replace_schema_metadata({"poseflow": note}), path)
    elif how == "other type":
        table = pq.read_table(path)
        table = table.set_column(0, "frame_idx", table.column(0).cast(pa.int32()))
        note = pq.ParquetFile(path).metadata.metadata[b"poseflow"]
        pq.write_table(table.replace_schema_metadata({"poseflow": note}), path)
    elif how == "disorder":
        table = pq.read_table(path)
        note = pq.ParquetFile(path).metadata.metadata[b"poseflow"]
        backwards = table.take(list(range(table.num_rows))[::-1])
        pq.write_table(backwards.replace_schema_metadata({"poseflow": note}), path)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("truncated", "whole Parquet file"),
        ("empty", "whole Parquet file"),
        ("text", "whole Parquet file"),
        ("bit rot", "whole Parquet file"),
        ("absent", "nothing"),
        ("foreign", "written by poseflow"),
        ("no column", "missing: nose.y"),
        ("other type", "'frame_idx' must be int64, got int32"),
        ("disorder", "sorted by frame_idx"),
    ],
)
def test_damage_is_named_with_its_file(tmp_path, how, message):
    path = tmp_path / "shard 7.parquet"
    write_predictions(make_predictions(), path)
    damage(path, how)
    with pytest.raises(TableError, match=message) as caught:
        read_predictions(path)
    assert str(path) in str(caught.value)
    with pytest.raises(TableError, match=message):
        list(iter_predictions(path, 10))


def test_repeated_column_names_are_refused(tmp_path):
    skeleton = Skeleton(nodes=("class", "b"))
    with pytest.raises(TableError, match=r"distinct, got twice: class\.x"):
        PredictionsWriter(tmp_path / "p.parquet", skeleton, class_names=("x",))
