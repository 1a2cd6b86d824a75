"""What each format's own readers find is what the pose table says."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import pandas as pd
import pytest
import sleap_io as sio
import xarray as xr
from exchange_tables import FRAMES, Rows, draw_table, expected_rows, write_table
from fake_results import make_index
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pynwb import NWBHDF5IO

from poseflow.exchange import export_poses
from poseflow.tables import read_poses

PX = 1e-4
SEEDS = st.integers(0, 2**32 - 1)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller seed is no smaller table


def read_slp(path: Path) -> Rows:
    labels = sio.load_slp(str(path))
    return {
        (frame.frame_idx, instance.track.name): instance.numpy(scores=True)
        for frame in labels.labeled_frames
        for instance in frame.instances
    }


def read_analysis(path: Path) -> Rows:
    with h5py.File(path) as file:
        names = [name.decode() for name in file["track_names"][:]]
        values = np.concatenate([file["tracks"][:], file["point_scores"][:][:, None]], axis=1)
        occupied = file["track_occupancy"][:]
        return {(int(f), names[t]): values[t, :, :, f].T for f, t in zip(*np.nonzero(occupied), strict=True)}


def read_deeplabcut(frame: pd.DataFrame) -> Rows:
    several = "individuals" in frame.columns.names
    animals = list(dict.fromkeys(frame.columns.get_level_values("individuals"))) if several else [""]
    return {
        (int(number), animal): (frame.xs(animal, axis=1, level="individuals") if several else frame)
        .loc[number]
        .to_numpy(np.float64)
        .reshape(-1, 3)
        for number in frame.index
        for animal in animals
    }


def read_deeplabcut_csv(path: Path) -> Rows:
    levels = 4 if path.read_text(encoding="utf-8").splitlines()[1].startswith("individuals") else 3
    return read_deeplabcut(pd.read_csv(path, header=list(range(levels)), index_col=0))


def read_deeplabcut_h5(path: Path) -> Rows:
    return read_deeplabcut(pd.read_hdf(path))


def read_coco(path: Path) -> Rows:
    file = json.loads((path / "annotations.json").read_text(encoding="utf-8"))
    frames = {image["id"]: image["frame_idx"] for image in file["images"]}
    rows = {}
    for annotation in file["annotations"]:
        values = np.array(annotation["keypoints"], np.float64).reshape(-1, 3)
        values[values[:, 2] == 0] = np.nan
        rows[frames[annotation["image_id"]], annotation["individual"]] = values
    return rows


def read_movement(path: Path) -> Rows:
    with xr.open_dataset(path, engine="h5netcdf") as poses:
        values = np.concatenate([poses["position"].values, poses["confidence"].values[:, None]], axis=1)
        return by_frame(poses["frame_idx"].values, poses["individuals"].values.tolist(), values)


def read_nwb(path: Path) -> Rows:
    with NWBHDF5IO(path, "r") as io:
        module = io.read().processing["behavior"]
        nodes = module["Skeletons"]["skeleton"].nodes[:]
        animals = [name for name in module.data_interfaces if name != "Skeletons"]
        return {
            (frame, "" if name == "PoseEstimation" else name): np.stack(
                [np.append(module[name][node].data[frame], module[name][node].confidence[frame]) for node in nodes]
            )
            for name in animals
            for frame in range(FRAMES)
        }


def read_aniframe(path: Path) -> Rows:
    poses = pd.read_parquet(path)
    nodes = max(poses["keypoint"].nunique(), 1)
    frames = np.round(poses["time"].to_numpy()[::nodes] * 25).astype(int).tolist()
    values = poses[["x", "y", "confidence"]].to_numpy().reshape(len(frames), -1 if len(frames) else nodes, 3)
    return dict(zip(zip(frames, poses["individual"][::nodes], strict=True), values, strict=True))


def read_csv(path: Path) -> Rows:
    poses = pd.read_csv(path)
    columns = poses.columns[poses.columns.get_loc("edited") + 1 :]
    columns = [name for name in columns if not name.endswith(".edited")]
    return by_row(poses, poses[columns].to_numpy(np.float64).reshape(len(poses), len(columns) // 3, 3))


def read_csv_long(path: Path) -> Rows:
    poses = pd.read_csv(path)
    nodes = poses["node"].nunique()
    rows = poses[:: nodes or 1]
    return by_row(rows, poses[["x", "y", "score"]].to_numpy(np.float64).reshape(len(rows), nodes, 3))


def by_row(poses: pd.DataFrame, values: np.ndarray) -> Rows:
    """By frame and track: a table says what its rows say, whatever animals are called."""
    return dict(zip(poses[["frame_idx", "track"]].itertuples(index=False, name=None), values, strict=True))


SPARSE: dict[str, Callable[[Path], Rows]] = {
    "slp": read_slp,
    "sleap_analysis": read_analysis,
    "coco": read_coco,
    "aniframe": read_aniframe,
}
"""Formats that hold animals where they are."""
DENSE: dict[str, Callable[[Path], Rows]] = {
    "deeplabcut_csv": read_deeplabcut_csv,
    "deeplabcut_h5": read_deeplabcut_h5,
    "movement": read_movement,
    "nwb": read_nwb,
}
"""Formats that have a place for every animal in every frame."""
TABLES: dict[str, Callable[[Path], Rows]] = {"csv": read_csv, "csv_long": read_csv_long}


def export(folder: Path, seed: int, format: str) -> tuple[Path, Path]:
    """A table of what was drawn, and its export; the recording itself is not there."""
    table = write_table(folder / "cage.parquet", draw_table(seed))
    path = folder / f"cage.{format}"
    index = None if format == "coco" else make_index("cage", FRAMES)
    export_poses(table, path, format, index)
    return table, path


def expect_dense(table: Path, format: str) -> Rows:
    poses = read_poses(table, "xarray")
    values = np.concatenate([poses["position"].values, poses["confidence"].values[:, None]], axis=1)
    names = poses["individuals"].values.tolist()
    if len(names) < 2 and format != "movement":
        values, names = values if names else np.full((*values.shape[:3], 1), np.nan), [""]
    return by_frame(range(FRAMES), names, values)


def by_frame(frames: Iterable[int], names: Sequence[str], values: np.ndarray) -> Rows:
    return {(int(f), name): values[n, :, :, i].T for n, f in enumerate(frames) for i, name in enumerate(names)}


def expect_table(table: Path) -> Rows:
    poses = read_poses(table)
    nodes = poses.attrs["poseflow"]["skeleton"]["nodes"]
    columns = [f"{node}.{part}" for node in nodes for part in ("x", "y", "score")]
    return by_row(poses, poses[columns].to_numpy(np.float64).reshape(len(poses), len(nodes), 3))


def assert_same(found: Rows, expected: Rows, scores: bool = True) -> None:
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(found[key][:, :2], values[:, :2], rtol=0, atol=PX)
        seen = ~np.isnan(values[:, 0])
        if scores:
            np.testing.assert_allclose(found[key][seen, 2], values[seen, 2], rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("format", SPARSE)
@settings(max_examples=8, deadline=None, phases=PHASES)
@given(seed=SEEDS)
def test_animals_come_back_where_they_are(format: str, seed: int) -> None:
    with TemporaryDirectory() as folder:
        table, path = export(Path(folder), seed, format)
        assert_same(SPARSE[format](path), expected_rows(table), scores=format != "coco")


@pytest.mark.slow
@pytest.mark.parametrize("format", DENSE)
@settings(max_examples=8, deadline=None, phases=PHASES)
@given(seed=SEEDS)
def test_every_frame_comes_back_with_every_animal(format: str, seed: int) -> None:
    with TemporaryDirectory() as folder:
        table, path = export(Path(folder), seed, format)
        assert_same(DENSE[format](path), expect_dense(table, format))


@pytest.mark.slow
@pytest.mark.parametrize("format", TABLES)
@settings(max_examples=8, deadline=None, phases=PHASES)
@given(seed=SEEDS)
def test_a_table_comes_back_row_by_row(format: str, seed: int) -> None:
    with TemporaryDirectory() as folder:
        table, path = export(Path(folder), seed, format)
        assert_same(TABLES[format](path), expect_table(table))
