"""The truth about a synthetic recording: a table of every frame, and labels as a person would set them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from poseflow.core.files import replacing
from poseflow.synth.animals import BODY_NODES, IDENTITIES, SKELETON
from poseflow.synth.simulate import CagePoses

_FRAMES_AT_ONCE = 2000


class TruthWriter:
    """Writes `frame_idx`, `identity`, `{node}.x`, `{node}.y` (px, also of hidden nodes) and `{node}.visible`."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._waiting: list[pa.RecordBatch] = []

    def append(self, poses: CagePoses) -> None:
        """Add one frame."""
        animals = len(poses.identities)
        points = poses.points.astype(np.float32)
        columns = [pa.array([poses.frame_idx] * animals, pa.int64()), pa.array(poses.identities, pa.string())]
        for node in range(len(SKELETON.nodes)):
            parts = (points[:, node, 0], points[:, node, 1], poses.visible[:, node])
            columns += [pa.array(np.ascontiguousarray(part)) for part in parts]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=_schema()))
        if len(self._waiting) >= _FRAMES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what has been held back."""
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting).combine_chunks())
            self._waiting.clear()


@contextmanager
def open_truth(path: str | Path) -> Iterator[TruthWriter]:
    """Write a truth table frame by frame, atomically; rows are held back by few thousand only."""
    with replacing(path) as beside, pq.ParquetWriter(beside, _schema(), compression="zstd") as writer:
        truth = TruthWriter(writer)
        yield truth
        truth.flush()


class Labels:
    """Labeled frames of a recording, kept until they are written as `.slp`."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, NDArray[np.float32]]] = []

    def append(self, poses: CagePoses) -> None:
        """Label one frame: what is hidden is NaN."""
        points = np.where(poses.visible[..., None], poses.points, np.nan).astype(np.float32)
        self._frames.append((poses.frame_idx, points))

    def write(self, path: str | Path, video: str | Path) -> None:
        """Write user instances with tracks named by identity.

        An animal of which nothing but the tail shows is left out: a person could not tell whose it is.
        """
        import sleap_io as sio

        nodes, edges = list(SKELETON.nodes), [tuple(edge) for edge in SKELETON.edges]
        pairs = [(nodes[a], nodes[b]) for a, b in SKELETON.symmetries]
        skeleton = sio.Skeleton(nodes, edges, pairs, name="gerbil")
        recording = sio.Video(str(video), open_backend=False)
        tracks = [sio.Track(identity) for identity in IDENTITIES]
        labeled = []
        for frame_idx, points in self._frames:
            instances = [
                sio.Instance.from_numpy(animal, skeleton, track=track)
                for animal, track in zip(points, tracks, strict=False)
                if np.isfinite(animal[: len(BODY_NODES), 0]).any()
            ]
            labeled.append(sio.LabeledFrame(video=recording, frame_idx=frame_idx, instances=instances))
        labels = sio.Labels(labeled, videos=[recording], skeletons=[skeleton])
        with replacing(path) as beside:
            sio.save_slp(labels, str(beside), verbose=False)


@cache
def _schema() -> pa.Schema:
    fields = [pa.field("frame_idx", pa.int64()), pa.field("identity", pa.string())]
    for node in SKELETON.nodes:
        fields += [pa.field(f"{node}.x", pa.float32()), pa.field(f"{node}.y", pa.float32())]
        fields += [pa.field(f"{node}.visible", pa.bool_())]
    return pa.schema(
        fields, metadata={"poseflow": json.dumps({"table": "truth", "skeleton": SKELETON.model_dump(mode="json")})}
    )
