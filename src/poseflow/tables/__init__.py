"""Arrow schemas and Parquet files: predictions, tracks, poses."""

from poseflow.tables.check import check_predictions
from poseflow.tables.columns import edited_columns, hidden_columns, node_columns, stack_columns, stack_marks
from poseflow.tables.edits import PoseEdits
from poseflow.tables.individuals import Individuals
from poseflow.tables.instances import Instances
from poseflow.tables.layouts import interpolate_times, open_poses, read_pose_metadata, read_poses
from poseflow.tables.parquet import iter_columns, open_table, read_frame
from poseflow.tables.poses import PoseSource, assemble_files, assemble_poses, empty_poses, pose_schema, write_poses
from poseflow.tables.predictions import Predictions
from poseflow.tables.ranges import count_frames, in_ranges, merge_ranges
from poseflow.tables.shards import describe_predictions, find_rows, iter_predictions, read_instances, read_predictions
from poseflow.tables.tracks import Tracks, TracksWriter, read_tracks, write_tracks
from poseflow.tables.writer import PredictionsWriter, write_predictions

__all__ = [
    "Individuals",
    "Instances",
    "PoseEdits",
    "PoseSource",
    "Predictions",
    "PredictionsWriter",
    "Tracks",
    "TracksWriter",
    "assemble_files",
    "assemble_poses",
    "check_predictions",
    "count_frames",
    "describe_predictions",
    "edited_columns",
    "empty_poses",
    "find_rows",
    "hidden_columns",
    "in_ranges",
    "interpolate_times",
    "iter_columns",
    "iter_predictions",
    "merge_ranges",
    "node_columns",
    "open_poses",
    "open_table",
    "pose_schema",
    "read_frame",
    "read_instances",
    "read_pose_metadata",
    "read_poses",
    "read_predictions",
    "read_tracks",
    "stack_columns",
    "stack_marks",
    "write_poses",
    "write_predictions",
    "write_tracks",
]
