"""Exports as a lab meets them: archives that are accepted, odd files, the command, and the page that describes them."""

import logging
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import rdata
import sleap_io as sio
from exchange_tables import FRAMES, draw_table, write_table
from fake_results import make_index, make_poses
from nwbinspector import Importance, inspect_nwbfile, load_config
from pycocotools.coco import COCO
from pynwb import NWBHDF5IO
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.config import WRITERS
from poseflow.core.errors import ConfigError, TableError
from poseflow.core.skeleton import Skeleton
from poseflow.exchange import export_poses
from poseflow.exchange.losses import HIDDEN, KINDS, OURS, find_losses
from poseflow.exchange.predictions import iter_foreign_instances
from poseflow.exchange.writer import PoseStream
from poseflow.media import index_video, write_index, write_video
from poseflow.media.runs import RunLengths
from poseflow.tables import (
    PoseEdits,
    PoseSource,
    Predictions,
    Tracks,
    assemble_poses,
    open_poses,
    read_poses,
    write_poses,
)

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "to_your_analysis.md"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A table of two tracks in `results/`, and its recording."""
    write_video(tmp_path / "cage.mp4", (np.full((48, 64), 90 + i, np.uint8) for i in range(FRAMES)), fps=25)
    index = index_video(tmp_path / "cage.mp4")
    write_index(index, tmp_path / "results" / "index" / "cage.json")
    folder = tmp_path / "results" / "poses" / "cage"
    write_poses(make_poses(index, [(0, 0, FRAMES), (3, 2, 7)]), folder / "cage.parquet")
    return tmp_path / "results"


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return done.output


@pytest.mark.slow
@pytest.mark.parametrize("format", ["nwb", "nwb_animals"])
def test_archives_take_what_is_written(format: str, results: Path) -> None:
    run("export", results / "poses", "--to", format, "--set", "species=Mus musculus", "--set", "sex=F")
    files = sorted(path for path in (results / "exports" / format).rglob("*.nwb") if path.is_file())
    assert len(files) == (2 if format == "nwb_animals" else 1)
    for file in files:
        found = list(inspect_nwbfile(nwbfile_path=file, config=load_config("dandi")))
        assert not [message for message in found if message.importance in (Importance.CRITICAL, Importance.ERROR)]
        with NWBHDF5IO(file, "r") as io:
            nwb = io.read()
            poses = nwb.processing["behavior"]["track_3" if format == "nwb" else "PoseEstimation"]
            assert nwb.subject.species == "Mus musculus"
            assert (file.parent / poses.source_video.external_file[0]).is_file()
            assert poses.skeleton.nodes[:].tolist() == ["nose", "head", "body", "tail"]
            np.testing.assert_allclose(poses["tail"].timestamps[:], np.arange(FRAMES) / 25)


def test_coco_is_read_by_its_own_tools_with_the_images_of_frames_with_animals(results: Path) -> None:
    run("export", results / "poses", "--to", "coco")
    folder = results / "exports" / "coco" / "cage" / "cage.coco"
    coco = COCO(str(folder / "annotations.json"))
    assert len(coco.getAnnIds()) == FRAMES + 5
    assert coco.loadCats([1])[0]["skeleton"] == [[2, 1], [2, 3], [3, 4]]
    assert all((folder / image["file_name"]).is_file() for image in coco.loadImgs(coco.getImgIds()))
    assert {image["width"] for image in coco.loadImgs(coco.getImgIds())} == {64}


def test_images_that_coco_has_not_are_told(results: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cage.mp4").unlink()
    with caplog.at_level(logging.WARNING):
        run("export", results / "poses", "--to", "coco")
    assert "images are left out, since the recording" in caplog.text and "cage.mp4 cannot be read" in caplog.text


@pytest.mark.slow
def test_keypoint_moseq_finds_a_file_an_animal(results: Path) -> None:
    run("export", results / "poses", "--to", "keypoint_moseq")
    folder = results / "exports" / "keypoint_moseq" / "cage" / "cage.kpms"
    frames = {path.stem: pd.read_hdf(path) for path in sorted(folder.iterdir())}
    assert list(frames) == ["cage_track_0", "cage_track_3"]
    bodyparts = frames["cage_track_3"].columns.get_level_values("bodyparts").unique().tolist()
    assert bodyparts == ["nose", "head", "body", "tail"]
    assert frames["cage_track_3"].iloc[:, 0].notna().sum() == 5


@pytest.mark.parametrize("format", WRITERS)
def test_a_video_without_animals_is_written_too(format: str, tmp_path: Path) -> None:
    index = make_index("cage", 0, status="quarantined", reason="empty")
    write_poses(make_poses(index, []), tmp_path / "cage.parquet")
    export_poses(tmp_path / "cage.parquet", tmp_path / "out", format, index)
    assert (tmp_path / "out").exists()


def test_tracks_that_share_a_column_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_poses(make_poses(make_index("cage", 30), [(0, 0, 10), (1, 12, 30)]), tmp_path / "cage.parquet")
    with caplog.at_level(logging.WARNING):
        export_poses(tmp_path / "cage.parquet", tmp_path / "cage.csv", "deeplabcut_csv")
    assert "share 1 columns" in caplog.text


def test_an_output_of_another_kind_that_is_there_stays(results: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    table = results / "poses" / "cage" / "cage.parquet"
    with pytest.raises(ConfigError, match="must be a file, got a folder that is there"):
        export_poses(table, tmp_path / "there", "csv")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine.txt"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "names"), [("coco", ["annotations.json", "images/mine.jpg"]), ("nwb_animals", ["a"])]
)
def test_a_folder_of_other_things_stays(format: str, names: list[str], results: Path, tmp_path: Path) -> None:
    table, folder = results / "poses" / "cage" / "cage.parquet", tmp_path / "there"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    with pytest.raises(ConfigError, match=f"new folder or an earlier export, got one that holds {names[-1]}"):
        export_poses(table, folder, format)
    assert (folder / names[-1]).read_text() == "mine"
    for _ in range(2):
        export_poses(table, tmp_path / "new", format)


def test_the_table_itself_is_not_replaced(results: Path) -> None:
    table = results / "poses" / "cage" / "cage.parquet"
    with pytest.raises(ConfigError, match="must be another file, got the table itself"):
        export_poses(table, table, "aniframe")
    assert len(read_poses(table)) == FRAMES + 5


def test_a_damaged_table_and_earlier_exports_do_not_keep_the_others_from_being_written(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_poses(make_poses(make_index(name, FRAMES), [(0, 0, FRAMES)]), tmp_path / f"{name}.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    for format in ("aniframe", "csv"):
        with pytest.raises(TableError, match="1 pose table of 3 could not be exported"):
            run("export", tmp_path, "--to", format)
    assert sorted(path.name for path in tmp_path.glob("*.[ac]*")) == [
        "a.aniframe.parquet", "a.csv", "c.aniframe.parquet", "c.csv",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"must be one of .*, got 'CSV'"):
        run("export", tmp_path, "--to", "CSV")


@pytest.mark.parametrize("video", ["../../up", "/tmp/up", "a/b", "long" * 60])
def test_files_of_a_folder_lie_in_it_and_tell_animals_apart(video: str, results: Path, tmp_path: Path) -> None:
    index = index_video(tmp_path / "cage.mp4")
    write_poses(make_poses(index, [(0, 0, 3), (1, 0, 3)], video=video), tmp_path / "table.parquet")
    before = set(tmp_path.rglob("*"))
    for format, number in (("coco", 5), ("keypoint_moseq", 2)):
        export_poses(tmp_path / "table.parquet", tmp_path / "out" / format, format, index)
        assert len(list((tmp_path / "out" / format).rglob("*"))) == number
    assert all(path.is_relative_to(tmp_path / "out") for path in {*tmp_path.rglob("*")} - before)
    files = sorted((tmp_path / "out" / "keypoint_moseq").iterdir())
    assert [path.stem[-7:] for path in files] == ["track_0", "track_1"]


def test_an_animal_that_is_called_single_is_an_animal_to_deeplabcut(tmp_path: Path) -> None:
    frames = np.array([0, 1])
    predictions = Predictions.from_instances(Skeleton(nodes=("nose",)), frames, np.ones((2, 1, 2)))
    tracks = replace(Tracks.without_identities(frames, frames, frames, frames), identity_names=("single", "pair"))
    tracks = replace(tracks, identity_code=np.array([0, 1], np.int16))
    table = assemble_poses(predictions, tracks, make_index("cage", 2), PoseSource("cage", "cage"))
    write_poses(table, tmp_path / "cage.parquet")
    export_poses(tmp_path / "cage.parquet", tmp_path / "cageDLC_poseflow.csv")
    found = [len(part) for part in iter_foreign_instances(tmp_path / "cageDLC_poseflow.csv", 0, (0, 2))]
    assert sum(found) == 2


@pytest.mark.slow
def test_archives_take_nodes_that_are_called_like_their_own_fields_and_give_them_back(tmp_path: Path) -> None:
    nodes = ("skeleton", "description", "nodes", "nose", "left/ear", "left_ear", "left:ear", "left_ear_2")
    frames = np.arange(3)
    points = np.broadcast_to(np.arange(16.0).reshape(8, 2), (3, 8, 2))
    predictions = Predictions.from_instances(Skeleton(nodes=nodes), frames, points, frames=[(0, 3)])
    tracks = Tracks.without_identities(frames, frames, np.zeros(3), np.zeros(3))
    table = assemble_poses(predictions, tracks, make_index("cage", 3), PoseSource("cage", "cage"))
    write_poses(table, tmp_path / "cage.parquet")
    export_poses(tmp_path / "cage.parquet", tmp_path / "cage.nwb")
    with NWBHDF5IO(tmp_path / "cage.nwb", "r") as io:
        poses = io.read().processing["behavior"]["PoseEstimation"]
        assert {"skeleton_2", "description_2", "nodes_2", "nose"} < set(poses.pose_estimation_series)
        assert poses.skeleton.nodes[:].tolist() == list(nodes)
    (found,) = iter_foreign_instances(tmp_path / "cage.nwb", 0, (0, 3))
    np.testing.assert_array_equal(found.points, points)


@pytest.mark.slow
def test_a_recording_of_varying_rate_has_its_own_times_in_archives(tmp_path: Path) -> None:
    (tmp_path / "cage.mp4").touch()
    times = RunLengths(first=0, count=9, deltas=((1, 4), (5, 4)))
    index = make_index("cage", 9, path=str(tmp_path / "cage.mp4"), timestamps=times, variable_fps=True)
    write_poses(make_poses(index, [(0, 2, 5)]), tmp_path / "cage.parquet")
    export_poses(tmp_path / "cage.parquet", tmp_path / "cage.nwb", index=index)
    with NWBHDF5IO(tmp_path / "cage.nwb", "r") as io:
        np.testing.assert_allclose(io.read().acquisition["video"].timestamps[:], index.time_s())


def test_rows_of_deeplabcut_are_counted_from_the_first_frame(tmp_path: Path) -> None:
    frames = np.arange(10, 13)
    predictions = Predictions.from_instances(Skeleton(nodes=("nose",)), frames, np.ones((3, 1, 2)), frames=[(10, 14)])
    tracks = Tracks.without_identities(np.arange(3), frames, np.zeros(3), np.zeros(3))
    table = assemble_poses(predictions, tracks, make_index("cage", 20), PoseSource("cage", "cage"))
    write_poses(table, tmp_path / "cage.parquet")
    for format in ("deeplabcut_csv", "deeplabcut_h5"):
        export_poses(tmp_path / "cage.parquet", tmp_path / format, format)
    read = (
        pd.read_csv(tmp_path / "deeplabcut_csv", header=[0, 1, 2], index_col=0),
        pd.read_hdf(tmp_path / "deeplabcut_h5"),
    )
    for rows in read:
        assert rows.index.tolist() == list(range(14))
        assert np.flatnonzero(rows.iloc[:, 0].notna()).tolist() == [10, 11, 12]


def test_an_index_of_another_recording_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"of {FRAMES} frames, got one of 5"):
        export_poses(results / "poses" / "cage" / "cage.parquet", tmp_path / "a.slp", index=make_index("cage", 5))


@pytest.mark.slow
def test_names_that_a_spreadsheet_would_run_are_text_there(tmp_path: Path) -> None:
    for seed in range(50):
        table = write_table(tmp_path / f"{seed}.parquet", draw_table(seed))
        poses = read_poses(table)
        if "=1+1.x" in poses and (poses["identity"] == "-7").any():
            break
    export_poses(table, tmp_path / "a.csv")
    header, *lines = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert "'=1+1.x" in header and '"=1+1' not in header
    assert re.search(r"\"?-7\"?,", "\n".join(lines)), "a number is a number"


def test_the_page_names_every_format() -> None:
    named = set(re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8").partition("## What")[0], re.MULTILINE))
    assert {name for cell in named for name in re.findall(r"`(\w+)`", cell)} == set(WRITERS)
    assert set(WRITERS) <= set(re.findall(r"\w+", run("export", "--help")))


def test_the_metadata_of_aniframe_is_read_as_r_reads_it(results: Path) -> None:
    run("export", results / "poses", "--to", "aniframe")
    (file,) = (results / "exports" / "aniframe").rglob("*.parquet")
    text = pq.read_schema(file).metadata[b"r"]
    found = rdata.conversion.convert(rdata.parser.parse_data(text, extension=".rds"))["attributes"]["metadata"]
    assert found["sampling_rate"].tolist() == [25]
    assert found["variables_what"].tolist() == ["individual", "keypoint"]
    assert found["origin"].tolist() == ["top_left"]


@pytest.mark.slow
def test_the_pages_python_runs(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results.parent)
    run("export", "results/poses", "--to", "movement")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(block, {})


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_the_pages_r_runs_without_packages(results: Path) -> None:
    run("export", results / "poses", "--to", "csv")
    (_, block) = re.findall(r"```r\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    command = ["Rscript", "-e", f"{block}\nwrite.csv(poses, 'seen.csv', row.names = FALSE)"]
    said = subprocess.run(command, cwd=results.parent, capture_output=True, text=True, check=True).stdout
    assert "cage" in said and "time_s.2" in said
    seen, poses = pd.read_csv(results.parent / "seen.csv"), read_poses(results / "poses")
    columns = ["frame_idx", "track", "time_s", *(name for name in poses if name.endswith((".x", ".y")))]
    np.testing.assert_allclose(seen[columns], poses[columns].astype(float), atol=1e-4)


def test_the_page_names_what_the_writers_say_that_they_lose() -> None:
    rows = re.findall(r"^\| (`[^|]*) \| ([^|]*) \|$", PAGE.read_text().partition("cannot hold")[2], re.MULTILINE)
    said = {name: text for names, text in rows for name in re.findall(r"`(\w+)`", names)}
    for name in WRITERS:
        words = re.split(r"[,;] | and ", said[name])
        for kind in getattr(WRITERS[name], "lost", ()):
            if name not in ("movement", "csv", "csv_long") and kind in (*OURS, HIDDEN, "symmetries"):
                continue  # said of all of them
            assert all(part in words or part in said[name] for part in kind.split(" and ")), (name, kind)


def test_what_a_format_cannot_hold_is_said_when_it_is_left_out(results: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = results / "poses/cage/cage.parquet"
    with caplog.at_level(logging.WARNING):
        run("export", table, "--to", "deeplabcut_csv", "--out", results / "a.csv")
    assert "a.csv cannot hold all that its table has: without times, edges, instance scores, frame rate" in caplog.text


def test_a_loss_is_said_only_where_there_is_something_to_lose(tmp_path: Path) -> None:
    found = {}
    for name, points in (("whole", (0, 0, FRAMES)), ("short", (0, 2, 7))):
        index = make_index("cage", FRAMES)
        write_poses(make_poses(index, [points]), tmp_path / f"{name}.parquet")
        skeleton, note = open_poses(tmp_path / f"{name}.parquet")
        stream = PoseStream(tmp_path / f"{name}.parquet", skeleton, note, tmp_path / "x")
        found[name] = {kind for kind, is_there in KINDS.items() if is_there(stream)}
        assert find_losses(stream, WRITERS["movement"]) == ["instance scores"]
    assert found["short"] - found["whole"] == {"frames without animals", "frames after the last animal"}
    assert "frame numbers of recordings that were read in part" not in found["short"]


def test_what_people_and_the_project_say_is_missed_too(tmp_path: Path) -> None:
    frames, points = np.arange(3), np.ones((3, 2, 2), np.float32)
    skeleton = Skeleton(nodes=("left", "right"), symmetries=((0, 1),))
    predictions = Predictions.from_instances(skeleton, frames, points)
    tracks = Tracks.without_identities(frames, frames, np.zeros(3), np.zeros(3))
    tracks = replace(
        tracks, identity_names=("A",), identity_code=np.zeros(3, np.int16), identity_score=np.ones(3, "f4")
    )
    edits = PoseEdits.build(2, {1: (points[1], np.array([True, False]))}, ())
    source = PoseSource("cage", "cage", 2.0, facts={"group": "x"}, columns=("group",))
    write_poses(assemble_poses(predictions, tracks, make_index("cage", 3), source, edits), tmp_path / "a.parquet")
    stream = PoseStream(tmp_path / "a.parquet", *open_poses(tmp_path / "a.parquet"), tmp_path / "x")
    for name in WRITERS:
        lost = set(find_losses(stream, WRITERS[name])) & {*OURS, "symmetries"}
        rest = {"scores of names", "marks of corrections"} if name == "movement" else {*OURS, "symmetries"}
        assert lost == (
            set() if name in ("csv", "csv_long") else rest - ({"symmetries"} if name == "slp" else set())
        ), name


def test_scores_that_are_missing_are_counted_where_they_become_0(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    skeleton, predictions, tracks = draw_table(3)
    there = np.isfinite(predictions.points[..., 0])
    lost = there & (np.arange(there.size).reshape(there.shape) % 3 == 0)
    predictions.point_scores[lost] = np.nan
    write_video(tmp_path / "cage.mp4", (np.full((48, 64), 90 + i, np.uint8) for i in range(FRAMES)), fps=25)
    table = write_table(tmp_path / "cage.parquet", (skeleton, predictions, tracks))
    with caplog.at_level(logging.WARNING):
        export_poses(table, tmp_path / "cage.slp", index=index_video(tmp_path / "cage.mp4"))
    assert lost.any()
    assert f"cage.slp: {lost.sum()} scores that are missing are 0 there" in caplog.text
    scores = np.concatenate(
        [i.numpy(scores=True)[:, 2] for frame in sio.load_slp(str(tmp_path / "cage.slp")) for i in frame]
    )
    assert (scores == 0).sum() == lost.sum()
