"""A finished shard is checked before it counts."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import (
    Instances,
    Predictions,
    PredictionsWriter,
    check_predictions,
    write_predictions,
)

SKELETON = Skeleton(nodes=("nose", "tail"))


def write(path, frames=10, metadata=None):
    points = np.random.default_rng(0).random((frames, 2, 2))
    write_predictions(Predictions.from_instances(SKELETON, np.arange(frames), points, metadata=metadata), path)
    return path


def test_a_table_as_it_was_written_passes(tmp_path):
    check_predictions(write(tmp_path / "a.parquet"), (0, 10))


def test_the_hash_does_not_depend_on_how_rows_came(tmp_path):
    points = np.random.default_rng(0).random((10, 2, 2))
    with PredictionsWriter(tmp_path / "pieces.parquet", SKELETON) as writer:
        for frame in range(10):
            writer.append(Instances.from_arrays([frame], [1.0], points[frame : frame + 1], np.ones((1, 2))))
        writer.close(frames=[(0, 10)])
    assert (tmp_path / "pieces.parquet").read_bytes() == write(tmp_path / "whole.parquet").read_bytes()
    check_predictions(tmp_path / "pieces.parquet", (0, 10))


def test_other_frames_than_asked_for_are_an_error(tmp_path):
    with pytest.raises(TableError, match=r"a\.parquet: frames must be \[\[0, 11\]\], got \[\[0, 10\]\]"):
        check_predictions(write(tmp_path / "a.parquet"), (0, 11))


@pytest.mark.parametrize(("change", "what"), [("rows", "rows must be 10"), ("values", "rows_hash must be")])
def test_rows_that_are_lost_or_changed_are_an_error(tmp_path, change, what):
    path = write(tmp_path / "a.parquet")
    table = pq.read_table(path)
    note = pq.ParquetFile(path).metadata.metadata[b"poseflow"]
    if change == "rows":
        table = table.slice(0, 9)
    else:
        column = table.schema.get_field_index("nose.x")
        values = np.where(np.arange(10) == 3, 0, table.column("nose.x").to_numpy()).astype(np.float32)
        table = table.set_column(column, table.schema.field(column), [values])
    pq.write_table(table.replace_schema_metadata({"poseflow": note}), path)
    with pytest.raises(TableError, match=what):
        check_predictions(path, (0, 10))
