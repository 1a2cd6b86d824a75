"""Instances: one form, whose columns stay together."""

import numpy as np
import pytest

from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import Instances, Predictions
from poseflow.tables.instances import COLUMNS, check_shapes


def make_instances(n: int, lags: int = 2, classes: int = 3) -> Instances:
    rng = np.random.default_rng(n)
    shapes = [(n, 4, 2), (n, 4), (n, classes), (n, lags, 4, 2)]
    return Instances.from_arrays(range(n), rng.random(n), *(rng.random(shape) for shape in shapes))


def test_parts_put_together_are_the_whole():
    whole = make_instances(7)
    parts = [whole.take(slice(0, 3)), Instances.empty(4, 3, 2), whole.take(np.arange(7) >= 3)]
    again = Instances.concatenate(parts)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
        assert getattr(again, name).dtype == getattr(whole, name).dtype


def test_rows_of_a_table_are_plain_instances():
    predictions = Predictions.from_instances(Skeleton(nodes=("a", "b")), [0, 1, 2], np.ones((3, 2, 2)))
    chosen = predictions.take(np.array([2, 0]))
    assert type(chosen) is Instances
    assert chosen.frame_idx.tolist() == [2, 0]


@pytest.mark.parametrize(("nodes", "classes", "lags"), [(5, 3, 2), (4, 2, 2), (4, 3, 1)])
def test_columns_of_another_table_are_refused(nodes, classes, lags):
    check_shapes(make_instances(2), 4, 3, 2)
    with pytest.raises(TableError, match="must have shape"):
        check_shapes(make_instances(2), nodes, classes, lags)
