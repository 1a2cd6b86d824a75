"""The pose table as text: the same columns, missing values left empty."""

from pathlib import Path

from pyarrow import csv

from poseflow.exchange.writer import PoseStream
from poseflow.tables import pose_schema


def write_csv(poses: PoseStream, path: Path) -> None:
    """Write poses as CSV with a header, in memory that does not grow with the video."""
    with csv.CSVWriter(path, pose_schema(poses.skeleton)) as file:
        for piece in poses.pieces:
            file.write_table(piece)
