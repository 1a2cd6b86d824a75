"""Pose tables in other programs' formats."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sleap_io as sio
from fake_results import make_index
from other_packages import install_package

from poseflow.config import LabelsConfig
from poseflow.core.errors import ConfigError
from poseflow.core.registry import Registry
from poseflow.core.skeleton import Skeleton
from poseflow.exchange import Writer, export_poses
from poseflow.labels import read_labels
from poseflow.media import VideoIndex, index_video, write_video
from poseflow.tables import PoseSource, Predictions, Tracks, assemble_poses, read_poses, write_poses

SKELETON = Skeleton.from_names(["nose", "body"], edges=[("nose", "body")])


def make_table(folder: Path, index: VideoIndex) -> Path:
    """Frames 0 to 2 of two animals, of which one has a name; in frame 2 a nose is missing."""
    points = np.zeros((4, 2, 2), np.float32)
    points[:, 0, 0] = [10, 40, 11, 12]
    points[3, 0] = np.nan
    predictions = Predictions.from_instances(SKELETON, [0, 0, 1, 2], points, [0.5, 0.4, 0.6, 0.3], [(0, 3)])
    tracks = Tracks(
        row=np.arange(4),
        frame_idx=predictions.frame_idx,
        tracklet=np.array([0, 1, 0, 2], np.int32),
        track=np.array([0, 1, 0, 2], np.int32),
        identity_code=np.array([0, -1, 0, -1], np.int16),
        identity_score=np.array([0.9, np.nan, 0.8, np.nan], np.float32),
        identity_names=("male",),
    )
    path = folder / "cage.parquet"
    write_poses(assemble_poses(predictions, tracks, index, PoseSource("cage", "cage")), path)
    return path


@pytest.fixture
def recording(tmp_path: Path) -> VideoIndex:
    write_video(tmp_path / "cage.mp4", (np.full((48, 64), 90 + i, np.uint8) for i in range(3)), fps=25)
    return index_video(tmp_path / "cage.mp4")


def test_csv_has_the_table_with_what_is_missing_left_empty(tmp_path: Path) -> None:
    table = make_table(tmp_path, make_index("cage", 3))
    export_poses(table, tmp_path / "cage.csv")
    back, poses = pd.read_csv(tmp_path / "cage.csv"), read_poses(table)
    assert list(back) == list(poses)
    assert back["identity"].isna().tolist() == [False, True, False, True]
    np.testing.assert_allclose(back["nose.x"], [10, 40, 11, np.nan])
    np.testing.assert_allclose(back["time_s"], poses["time_s"])


def test_slp_shows_poses_with_their_names_on_the_recording(tmp_path: Path, recording: VideoIndex) -> None:
    export_poses(make_table(tmp_path, recording), tmp_path / "cage.slp", index=recording)
    labels = sio.load_slp(str(tmp_path / "cage.slp"))
    found = [(f.frame_idx, i.track.name, i.numpy()[0, 0]) for f in labels.labeled_frames for i in f.instances]
    assert found[:3] == [(0, "male", 10), (0, "track_1", 40), (1, "male", 11)]
    last = labels.labeled_frames[2].instances[0]
    assert (last.track.name, last.score) == ("track_2", pytest.approx(0.3))
    assert np.isnan(last.numpy()[0]).all()
    assert last.numpy(scores=True)[:, 2].tolist() == [0, 1]
    assert labels.videos[0].filename == recording.path
    assert labels.videos[0][2].shape[:2] == (48, 64)


def test_slp_finds_its_recording_wherever_sleap_is_started(
    tmp_path: Path, recording: VideoIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = make_table(tmp_path, recording)
    for name in ("cage.mp4", "gone.mp4"):
        export_poses(table, tmp_path / f"{name}.slp", index=recording.model_copy(update={"path": name}))
    monkeypatch.chdir("/")
    assert sio.load_slp(str(tmp_path / "cage.mp4.slp")).videos[0].shape[:3] == (3, 48, 64)
    assert sio.load_slp(str(tmp_path / "cage.mp4.slp")).videos[0].exists()
    assert sio.load_slp(str(tmp_path / "gone.mp4.slp")).videos[0].filename == "gone.mp4"


def test_corrected_poses_come_back_as_labels(tmp_path: Path, recording: VideoIndex) -> None:
    export_poses(make_table(tmp_path, recording), tmp_path / "cage.slp", index=recording)
    labels = read_labels([tmp_path / "cage.slp"], LabelsConfig(include_predictions=True))
    assert [frame.frame_idx for frame in labels.labeled_frames] == [0, 1, 2]


def test_slp_without_the_recording_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    table = make_table(tmp_path, make_index("cage", 3))
    with pytest.raises(ConfigError, match=r"must refer to its recording, got no --index"):
        export_poses(table, tmp_path / "cage.slp")
    assert list(tmp_path.iterdir()) == [table]


def test_a_format_of_another_package_gets_pieces_skeleton_and_metadata(tmp_path: Path, monkeypatch) -> None:
    source = (
        "def write(poses, path):\n"
        "    rows = sum(piece.num_rows for piece in poses.pieces)\n"
        "    path.write_text(f'{rows} rows of {poses.skeleton.nodes[0]} at {poses.note[\"fps\"]:g} fps')\n"
    )
    parts = {"poseflow.writers": {"toy": "toy_poses:write"}}
    install_package(tmp_path / "site", monkeypatch, "toy_poses", parts, source)
    monkeypatch.setattr("poseflow.exchange.WRITERS", Registry[Writer]("writers", "a format"))
    export_poses(make_table(tmp_path, make_index("cage", 3)), tmp_path / "cage.txt", "toy")
    assert (tmp_path / "cage.txt").read_text() == "4 rows of nose at 25 fps"


def test_an_unknown_format_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"format of a file of poses must be one of .*csv, .*slp.*, got 'xlsx'"):
        export_poses(tmp_path / "cage.parquet", tmp_path / "cage.xlsx")
