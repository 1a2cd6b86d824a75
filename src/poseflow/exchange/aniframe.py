"""aniframe Parquet (animovement, R): a row for each individual, keypoint and time, with the metadata that R looks for.

R's arrow package keeps the attributes of a data frame in the schema, serialized by R as text, under the key `r`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poseflow.exchange.dense import find_individuals, node_values
from poseflow.exchange.losses import HIDDEN, OURS, loses
from poseflow.exchange.writer import PoseStream
from poseflow.tables import Individuals

NAMES = pa.dictionary(pa.int32(), pa.string())
COLUMNS = [("individual", NAMES), ("keypoint", NAMES), ("time", pa.float64())]
COLUMNS += [(name, pa.float64()) for name in ("x", "y", "confidence")]


@loses("instance scores", "edges", "frame numbers", "symmetries", HIDDEN, *OURS)
def write_aniframe(poses: PoseStream, path: Path) -> None:
    """Write the rows of a pose table, one for each node; times are seconds, or frames where there are none."""
    individuals = find_individuals(poses, share_slots=False)
    metadata = {"r": serialize_for_r({"attributes": {"metadata": describe(poses)}, "columns": None})}
    with pq.ParquetWriter(path, pa.schema(COLUMNS).with_metadata(metadata), compression="zstd") as file:
        for block in poses.blocks():
            file.write_table(_to_rows(block, poses, individuals))


def describe(poses: PoseStream) -> dict[str, Any]:
    """What aniframe says of its columns."""
    return {
        "source": "poseflow",
        "source_version": str(poses.note.get("package_version")),
        "sampling_rate": float(poses.note["fps"]) if poses.note["fps"] else None,
        "variables_what": ["individual", "keypoint"],
        "variables_when": ["time"],
        "variables_where": ["x", "y"],
        "unit_space": "px",
        "unit_time": "s" if poses.note["fps"] else "frame",
        "reference_frame": "allocentric",
        "coordinate_system": "cartesian_2d",
        "origin": "top_left",
        "y_height": float(poses.note["image_size"]["height"] or 0),
    }


def _to_rows(block: pa.Table, poses: PoseStream, individuals: Individuals) -> pa.Table:
    nodes, rows = len(poses.skeleton.nodes), block.num_rows
    x, y, confidence = node_values(block, poses).reshape(rows * nodes, 3).astype(np.float64).T
    time = block.column("time_s" if poses.note["fps"] else "frame_idx").to_numpy().astype(np.float64)
    animal = pa.array(np.repeat(individuals.find(block), nodes).astype(np.int32))
    node = pa.array(np.tile(np.arange(nodes, dtype=np.int32), rows))
    return pa.table(
        [
            pa.DictionaryArray.from_arrays(animal, pa.array(individuals.names, pa.string())),
            pa.DictionaryArray.from_arrays(node, pa.array(poses.skeleton.nodes, pa.string())),
            *(pa.array(column, from_pandas=True) for column in (np.repeat(time, nodes), x, y, confidence)),
        ],
        schema=pa.schema(COLUMNS),
    )


def serialize_for_r(value: Mapping[str, Any]) -> str:
    """A named list as R's `serialize(ascii = TRUE)` writes it, version 2.

    Source: "R Internals", section "Serialization Formats".
    """
    return "\n".join(["A", "2", "263168", "131840", *_lines(value)]) + "\n"


def _lines(value: Any) -> Sequence[str]:
    """NULL, text, a number, a vector of texts, or a named list of such."""
    if value is None:
        return ["254"]
    if isinstance(value, float):
        return ["14", "1", repr(value)]
    if isinstance(value, str):
        return _lines([value])
    if isinstance(value, Mapping):
        parts = [line for part in value.values() for line in _lines(part)]
        names = ["1026", "1", *_text("names"), *_lines(list(value)), "254"]
        return ["531", str(len(value)), *parts, *names]
    return ["16", str(len(value)), *(line for text in value for line in _text(text))]


def _text(text: str) -> list[str]:
    """One string: its flags, which say ASCII or UTF-8, its bytes, and itself with all but letters escaped."""
    data = text.encode()
    escaped = "".join(
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte == 95 else f"\\{byte:03o}" for byte in data
    )
    return ["262153" if text.isascii() else "32777", str(len(data)), escaped]
