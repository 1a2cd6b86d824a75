"""Arrow schemas and Parquet files: predictions, tracks, poses."""

from poseflow.tables.predictions import Predictions
from poseflow.tables.shards import (
    PredictionsWriter,
    iter_predictions,
    read_predictions,
    write_predictions,
)

__all__ = [
    "Predictions",
    "PredictionsWriter",
    "iter_predictions",
    "read_predictions",
    "write_predictions",
]
