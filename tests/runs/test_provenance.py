"""Tables tell what they were made by and from, and how their rows came about."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.config import PredictConfig, ReviewConfig, TrackingConfig
from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.media import VideoIndex, read_index, write_index
from poseflow.media.runs import RunLengths
from poseflow.runs import provenance
from poseflow.runs.explain import Sources, explain_frame, explain_table
from poseflow.runs.places import ANY, PLACES, Places
from poseflow.runs.provenance import describe_assembly, describe_prediction, describe_tracking
from poseflow.tables import (
    PoseSource,
    Predictions,
    assemble_files,
    read_frame,
    read_pose_metadata,
    read_predictions,
    read_tracks,
    write_predictions,
    write_tracks,
)
from poseflow.tracking.review.recording import track_and_review

POSES = PLACES.pose_table("cage", "cage")
SKELETON = Skeleton(nodes=("nose", "tail"), edges=((0, 1),))
FRAMES, SHARD = 40, 20


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Two animals that pass each other: predictions in two shards, tracks and poses, as the workflow has them."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_project()
    return folder


def make_project(commits: tuple[str | None, str | None] = ("c0ffee", "c0ffee")) -> None:
    Path("cage.mp4").write_bytes(b"a recording")
    Path("model").mkdir(exist_ok=True)
    Path("model/config.yaml").write_text("kind: bottom_up")
    Path("model/model.weights.h5").write_bytes(b"weights")
    ticks = RunLengths.of(np.arange(FRAMES))
    index = VideoIndex(
        path="cage.mp4",
        kind="video",
        frames=FRAMES,
        width=200,
        height=100,
        fps=25.0,
        time_base=(1, 25),
        timestamps=ticks,
    )
    write_index(index, PLACES.index("cage"))
    time = np.arange(FRAMES)
    x = np.stack([20 + 4 * time, 180 - 4 * time], 1)
    nose = np.stack([x, np.broadcast_to([50, 53], x.shape)], -1)
    points = np.stack([nose, nose + np.array([5, 0])], 2)
    for shard in range(2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(provenance, "find_commit", lambda shard=shard: commits[shard])
            origin = describe_prediction(index, {"bottom_up": "model"}, "1abe15", PredictConfig(max_instances=2))
        note = {"video": "cage", "release": "re1ea5e", "models": {"bottom_up": "model"}, "made_from": "5eed", **origin}
        own = slice(shard * SHARD, (shard + 1) * SHARD)
        table = Predictions.from_instances(
            SKELETON, np.repeat(time[own], 2), points[own], np.tile([0.9, 0.8], SHARD), [(own.start, own.stop)], note
        )
        write_predictions(table, PLACES.shard("cage", f"000{shard}-of-0002"))
    shards = PLACES.find(PLACES.shard("cage", ANY))
    out = PLACES.tracks("cage"), PLACES.review_list("cage"), PLACES.review_labels("cage")
    tracking = TrackingConfig(animals=2, candidates="window")
    note = describe_tracking({"cage": shards}, (), tracking, ReviewConfig())
    track_and_review({"cage": shards}, {"cage": index}, {}, (), out, (tracking, ReviewConfig()), note)
    source = PoseSource("cage", "cage", 2.0, None, describe_assembly())
    assemble_files(shards, read_tracks(out[0]), index, source, POSES)


def shards_in(project):
    places = Places(project / PLACES.results)
    return places.find(places.shard("cage", ANY))


def test_every_table_carries_the_whole_settings_it_was_made_with(project):
    predictions = read_predictions(shards_in(project)).metadata
    tracks = read_tracks(project / PLACES.tracks("cage")).metadata
    poses = read_pose_metadata(project / POSES)
    asked = PredictConfig(max_instances=2).model_dump(mode="json", exclude={"shard_frames"})
    assert predictions["config"] == {"predict": asked}
    assert tracks["config"]["tracking"] == TrackingConfig(animals=2, candidates="window").model_dump(mode="json")
    assert poses["config"] == predictions["config"] | tracks["config"]
    assert poses["made_by"].keys() == {"predict", "track", "assemble"}
    for table in (predictions, tracks, poses):
        for made in table["made_by"].values():
            assert {"step_version", "package_version", "commit", "inputs"} <= made.keys()


def test_fingerprints_change_with_recording_and_weights(project, monkeypatch):
    monkeypatch.chdir(project)
    inputs = read_pose_metadata(POSES)["made_by"]["predict"]["inputs"]
    assert inputs["recording"]["file"] == "cage.mp4"
    assert inputs["labels"] == "1abe15"
    index = replace_path("cage.mp4")
    Path("cage.mp4").write_bytes(b"another one")
    Path("model/model.weights.h5").write_bytes(b"other weights")
    now = describe_prediction(index, {"bottom_up": "model"}, "1abe15", PredictConfig())["made_by"]["predict"]["inputs"]
    make = json.dumps
    assert make(now["recording"]) != make(inputs["recording"])
    assert make(now["models"]) != make(inputs["models"])


def replace_path(path: str) -> VideoIndex:
    return VideoIndex(path=path, kind="video", frames=1, width=1, height=1)


def test_the_same_inputs_give_the_same_bytes(tmp_path, monkeypatch):
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        make_project()
        found.append({path.name: path.read_bytes() for path in Path("results").rglob("*.parquet")})
    assert found[0] == found[1]


def test_shards_of_two_commits_are_told_as_such(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_project(("c0ffee", "decade"))
    note = read_pose_metadata(POSES)
    assert note["made_by"]["predict"]["commit"] == ["c0ffee", "decade"]
    assert note["made_by"]["predict"]["inputs"]["labels"] == "1abe15"
    assert any("commit c0ffee and decade" in line for line in explain_table(POSES))


def test_the_commit_is_that_of_the_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "src/poseflow/runs/provenance.py"))
    assert provenance.find_commit.__wrapped__() is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    commit = provenance.find_commit.__wrapped__()
    assert len(commit) == 40
    (tmp_path / "src/a.py").write_text("a = 1")
    assert provenance.find_commit.__wrapped__() == f"{commit}+changes"


def test_a_table_is_explained_in_sentences(project, monkeypatch):
    monkeypatch.chdir(project)
    said = CliRunner().invoke(app, ["explain", str(POSES), "--frame", "25"]).stdout
    for part in (
        "poses of the video cage, part of the recording cage, 80 rows",
        "40 frames were read, 0 of them could not be decoded",
        "Images of 200 x 100 px; 25 frames per s; 2 px per mm",
        "Points and scores: step predict, version",
        "commit c0ffee",
        "Recording: cage.mp4, fingerprint ",
        "Release: re1ea5e",
        "Labels it was trained on: 1abe15",
        "Settings predict: max_instances: 2; all others as by default",
        "Frame 25 of cage.mp4, 1.000 s from the start: 2 animals",
        "results/predictions/cage/0001-of-0002.parquet, where its score is 0.900",
        "Linked to the animal of frame 24",
    ):
        assert part in said, said
    whole = CliRunner().invoke(app, ["explain", str(POSES), "--settings"]).stdout
    assert "batch_size:" in whole


def test_each_row_is_traced_to_its_own_prediction(project):
    poses = project / POSES
    for frame in (0, 19, 20, 39):
        said = "\n".join(explain_frame(poses, frame))
        shard = project / f"results/predictions/cage/000{frame // SHARD}-of-0002.parquet"
        for row in read_frame(shard, frame).to_pylist():
            (line,) = [part for part in said.split("\n- ") if f"({row['nose.x']:.1f}, {row['nose.y']:.1f})" in part]
            assert f"row {row['row']} of {shard}" in line


def test_names_and_corrections_are_told(project, tmp_path):
    shards = shards_in(project)
    tracks = read_tracks(project / PLACES.tracks("cage"))
    (corrected,) = tracks.row[(tracks.frame_idx == 10) & (tracks.track == 0)]
    named = replace(
        tracks,
        identity_code=tracks.track.astype(np.int16),
        identity_score=np.full(len(tracks), 0.875, np.float32),
        identity_names=("anna", "bert"),
        metadata=tracks.metadata | {"corrected": [["cage", 10, int(corrected), "anna"]]},
    )
    write_tracks(named, tmp_path / "tracks.parquet")
    index = read_index(project / PLACES.index("cage")).model_copy(
        update={"doubtful": RunLengths.of([11, 12]), "problems": ("has a hole in its times",)}
    )
    assemble_files(shards, named, index, PoseSource("cage", "cage"), tmp_path / "poses.parquet")
    sources = Sources(shards, tmp_path / "tracks.parquet")
    before, after = ("\n".join(explain_frame(tmp_path / "poses.parquet", frame, sources)) for frame in (9, 11))
    assert "named anna (probability 0.875)" in before
    assert "what the models say of its appearance" in before
    assert "correction" not in before
    assert "A correction says that it is anna, from frame 10 on." in after
    assert after.count("correction") == 1
    assert "may show what was never there" in after
    assert "may show what was never there" not in before
    assert "The recording has a hole in its times." in list(explain_table(tmp_path / "poses.parquet"))


def test_a_table_of_another_version_is_explained_too(project, tmp_path):
    table = pq.read_table(project / POSES)
    note = json.loads(table.schema.metadata[b"poseflow"])
    note["config"] = {"predict": {"of_the_future": 3}, "another": {"a": 1}}
    note["made_by"]["merge"] = {"step_version": 1, "package_version": "9.0"}
    pq.write_table(table.replace_schema_metadata({"poseflow": json.dumps(note)}), tmp_path / "p.parquet")
    said = "\n".join(explain_table(tmp_path / "p.parquet"))
    assert "Settings predict: {of_the_future: 3}." in said
    assert "merge: step merge, version 1, of poseflow 9.0." in said
    with pytest.raises(TableError, match="must be a table of predictions, tracks or poses"):
        pq.write_table(table.replace_schema_metadata({"poseflow": "{}"}), tmp_path / "q.parquet")
        explain_table(tmp_path / "q.parquet")


def test_what_is_not_there_is_said(project, tmp_path):
    poses = project / POSES
    assert explain_frame(poses, 99)[0] == "Frame 99 of cage.mp4 was not read; read were [[0, 40]]."
    alone = tmp_path / "a" / "b" / "c" / "cage.parquet"
    alone.parent.mkdir(parents=True)
    alone.write_bytes(poses.read_bytes())
    assert "More could be said with its tracks and predictions" in explain_frame(alone, 3)[-1]
    with pytest.raises(TableError, match="must be a table of poses, got one of tracks"):
        explain_frame(project / PLACES.tracks("cage"), 3)
    for kind in ("tracks/cage", "predictions/cage/0000-of-0002"):
        assert "Settings" in explain_table(project / f"results/{kind}.parquet")[-1]
