"""What is removed, and what never is."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fake_results import FPS, SKELETON, make_index, make_poses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poseflow.config import parse_config, read_model_config
from poseflow.core.errors import ConfigError
from poseflow.core.files import read_json, write_json
from poseflow.media import write_index
from poseflow.runs.backup import list_kept, tell_costs
from poseflow.runs.disk import say_size
from poseflow.runs.experiments import plan_experiments
from poseflow.runs.places import ANY, Places
from poseflow.runs.plan import Plan, PlannedPipeline
from poseflow.runs.promotion import Decision, add_to_history
from poseflow.runs.removal import find_expired, find_unreferenced, find_videos_of, list_results_of, remove
from poseflow.runs.status import DAY_S, find_status
from poseflow.tables import Predictions, read_poses, write_poses, write_predictions

RELEASES = [f"{letter}000000000" for letter in "abcd"]
MODELS = [f"{number}111111111" for number in range(6)]
SHARD = "0000-of-0001"


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Places()


def plan_of(recordings, **changes):
    videos = [video for of in recordings.values() for video in of]
    paths = {video: Path("videos", f"{video}.mp4") for video in videos}
    return Plan(paths, {video: [SHARD] for video in videos}, recordings=recordings, **changes)


def do(places, recording, video, release="a000000000", models=()):
    """Make all that there is of a video that is done."""
    write_index(make_index(video, 10), places.index(video))
    points = np.zeros((10, len(SKELETON.nodes), 2), np.float32)
    notes = {"release": release, "models": {str(number): str(folder) for number, folder in enumerate(models)}}
    found = replace(Predictions.from_instances(SKELETON, range(10), points), metadata=notes)
    write_predictions(found, places.shard(video, SHARD))
    write_json({"id": release, "models": notes["models"]}, places.assigned_release(video))
    write_poses(make_poses(make_index(video, 10), [(0, 0, 10)], video=video), places.pose_table(recording, video))
    own = [places.tracks(recording), places.review_list(recording), places.export("nwb", recording, video)]
    logs = [places.log("export", "nwb", recording, video), places.log("index_predictions", video)]
    for path in (*own, *logs, *(places.log(rule, video, SHARD) for rule in ("predict", "import_predictions"))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(places.shard(video, SHARD).read_bytes())  # of tracks too, the metadata matter alone


def test_nothing_of_a_recording_that_is_removed_is_left_and_all_of_the_others_is(places):
    plan = plan_of({"cage": ["cage__1", "cage__2"], "cage2": ["cage2"]})
    for recording, videos in plan.recordings.items():
        for video in videos:
            do(places, recording, video)
    others = {path for path in places.results.rglob(ANY) if "cage2" in str(path)}
    recording, videos = find_videos_of("cage", plan, places)
    remove(list_results_of(recording, videos, places))
    assert set(read_poses(places.all_poses).video) == {"cage2"}
    assert [path.stem for path in places.find(places.pose_table(ANY, ANY))] == ["cage2"]
    left = [path for folder in (places.results, places.logs) for path in folder.rglob(ANY)]
    assert not [path for path in left if "cage__" in str(path) or path.stem == "cage"]
    assert {path for path in places.results.rglob(ANY) if "cage2" in str(path)} == others


def test_a_recording_may_be_named_by_its_path(places):
    names = {"day 1/": "day_1-08b94a", "day 1/b.mp4": "day_1__b-d07628", "a.mp4": "a"}
    plan = plan_of({"day_1-08b94a": ["day_1__b-d07628"], "a": ["a"]}, names=names)
    for said in ("day 1", "day 1/", "day 1/b.mp4", "day_1-08b94a"):
        assert find_videos_of(said, plan, places) == ("day_1-08b94a", ["day_1__b-d07628"])


def test_a_recording_that_is_gone_can_be_removed_and_one_that_never_was_is_told(places):
    do(Places(places.orphaned / "2026-01-01T00-00-00"), "old", "old")
    plan = plan_of({"new": ["new"]})
    recording, videos = find_videos_of("old", plan, places)
    remove(list_results_of(recording, videos, places))
    assert not places.orphaned.exists() or not list(places.orphaned.rglob("*.parquet"))
    with pytest.raises(ConfigError, match="did you mean new"):
        find_videos_of("nev", plan, places)


def test_predictions_expire_where_all_that_is_made_of_them_is_there(places):
    plan = plan_of({"cage": ["cage__1", "cage__2"], "new": ["new"], "torn": ["torn"]})
    for recording, videos in plan.recordings.items():
        for video in videos:
            do(places, recording, video)
    places.pose_table("torn", "torn").unlink()
    newest = 1_000_000
    for video in ("cage__1", "cage__2", "new"):
        is_new = video == "new"  # predicted anew, and not yet tracked
        os.utime(places.shard(video, SHARD), (newest + 5 * is_new, newest + 5 * is_new))
        made = [places.tracks(plan.recording_of[video]), places.pose_table(plan.recording_of[video], video)]
        for path in made:
            os.utime(path, (newest + 1, newest + 1))
    assert not find_expired(plan, places, 2, newest + 2 * DAY_S)
    expired = find_expired(plan, places, 2, newest + 2 * DAY_S + 10)
    assert expired == {"cage": [places.shard(video, SHARD) for video in ("cage__1", "cage__2")]}


def write_release(places, name, models):
    write_json({"id": name, "models": {str(n): str(folder) for n, folder in enumerate(models)}}, places.release(name))


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_that_a_release_or_a_table_refers_to_is_cleaned(tmp_path_factory, data, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("project"))
    places = Places()
    folders = [places.model("centroid", version) for version in MODELS]
    for folder in folders:
        write_json({}, folder / "training.json")
    some = st.lists(st.sampled_from(folders), max_size=2, unique=True)
    made_by = {name: data.draw(some) for name in RELEASES}
    for name, models in made_by.items():
        write_release(places, name, models)
    in_use = data.draw(st.lists(st.sampled_from(RELEASES), max_size=2))
    for name in in_use:
        add_to_history(
            Decision(
                time=datetime.now(UTC), event="chosen", candidate=name, incumbent=None, current=name, reason="chosen"
            ),
            places.history,
        )
    of_table, others = data.draw(st.sampled_from(RELEASES)), data.draw(some)
    do(places, "a", "a", of_table, others)
    candidate = data.draw(st.sampled_from(RELEASES))
    pipelines = {"p": PlannedPipeline(candidate, {str(n): folder for n, folder in enumerate(made_by[candidate])})}
    plan = plan_of({"a": ["a"]}, pipelines=pipelines)
    old = find_unreferenced(plan, places)
    remove(old)
    kept = {of_table, candidate, *in_use}
    assert all(places.release(name).exists() for name in kept)
    needed = {
        Path(folder) for path in places.find(places.release(ANY)) for folder in read_json(path)["models"].values()
    }
    assert all(folder.exists() for folder in needed | set(others))
    assert places.shard("a", SHARD).exists()
    assert {folder for folder in folders if folder.exists()} == needed | set(others), "and all else is gone"


def test_experiments_that_the_configuration_no_longer_has_are_cleaned(places):
    config = parse_config({"experiments": {"speed": {"replicates": 1}}})
    profiles = {model: read_model_config(profile) for model, profile in config.models.items()}
    planned = plan_experiments(config, profiles, "dataset")
    first, second = planned["speed"].runs[:2]
    runs = [places.experiment_run("speed", first.training.key, key) for key in (first.key, second.key, "0123456789")]
    runs.append(places.experiment_run("speed", "0000000000", first.key))
    for run in runs:
        write_json({}, run / "metrics.json")
        write_json({}, run.parent / "models/m/training.json")
    plan = replace(plan_of({}), experiments=planned, dataset="dataset")
    assert find_unreferenced(plan, places) == [runs[3].parent, runs[2]]
    assert find_unreferenced(replace(plan, dataset=None), places) == []


def test_predictions_of_an_earlier_cut_go_when_the_present_one_is_whole(places):
    do(places, "a", "a")
    old = places.shard("a", "0000-of-0002")
    old.write_bytes(places.shard("a", SHARD).read_bytes())
    assert find_unreferenced(plan_of({"a": ["a"]}), places) == [old]
    places.shard("a", SHARD).unlink()
    assert find_unreferenced(plan_of({"a": ["a"]}), places) == []


def test_predictions_of_recordings_that_may_only_be_away_stay(places):
    do(places, "a", "a")
    places.pose_table("a", "a").unlink()
    assert find_unreferenced(plan_of({}), places) == []
    assert find_unreferenced(plan_of({"b": ["b"]}, unlisted=[Path("disk")]), places) == []
    assert find_unreferenced(plan_of({"b": ["b"]}), places) == [places.predictions("a")]


def test_status_tells_what_is_done_waiting_and_failed_and_what_a_day_costs(places):
    plan = plan_of({name: [name] for name in ("done", "waiting", "failed")})
    do(places, "done", "done")
    log = places.log("index", "failed")
    log.parent.mkdir(parents=True)
    log.write_text("12:00:00 INFO begin\nOSError: [Errno 5] Input/output error\n")
    now = find_status(plan, places, 0.0)
    assert (now.done, now.running, now.waiting, now.is_running) == (["done"], [], ["waiting"], False)
    assert [(one.video, one.rule, one.reason, one.log) for one in now.failed] == [
        ("failed", "index", "OSError: [Errno 5] Input/output error", log)
    ]
    of_recording = sum(now.sizes.get(name, 0) for name in ("index", "predictions", "tracks", "poses", "review"))
    assert now.day_bytes == pytest.approx(of_recording / (10 / FPS) * 86400)
    assert say_size(53.2e9) == "53.2 GB"


def test_status_tells_what_failed_of_a_video_that_has_a_table_of_an_earlier_run(places):
    plan = plan_of({name: [name] for name in ("again", "expired")})
    for name in plan.videos:
        do(places, name, name)
        places.shard(name, SHARD).unlink()
        places.log("predict", name, SHARD).write_text("ValueError: no\n")
    os.utime(places.log("predict", "expired", SHARD), (1, 1))
    os.utime(places.pose_table("again", "again"), (1, 1))
    now = find_status(plan, places, 0.0)
    assert now.done == ["expired"]
    assert [(one.video, one.rule, one.reason) for one in now.failed] == [("again", "predict", "ValueError: no")]


def test_a_backup_holds_settings_labels_corrections_models_and_records_and_no_tables(places):
    do(places, "a", "a")
    write_json({}, places.model("centroid", MODELS[0]) / "training.json")
    write_json({}, places.names)
    own = ("Snakefile", "local/config.yaml", "config/config.yaml", "config/recordings.tsv")
    for name in (*own, "labels/a.slp", "predictions/a.h5", "corrections/a.slp"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    benchmark = places.benchmark("predict", "a", SHARD)
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("s\th:m:s\n7200.0\t2:00:00\n")
    config = parse_config({"predictions": {"from": "predictions"}})  # the labels train nothing, and are labels
    kept = list_kept(config, [Path("config/config.yaml")], plan_of({}), places)
    assert set(map(str, kept)) == {
        *own,
        "corrections/a.slp",
        "labels/a.slp",
        "predictions/a.h5",
        str(places.names),
        str(places.assigned_release("a")),
        str(places.model("centroid", MODELS[0]) / "training.json"),
    }
    assert dict(tell_costs(places))["predictions"] == 7200


def test_the_verbs_say_what_goes_ask_and_do_it(places):
    from typer.testing import CliRunner

    from poseflow.cli import app

    def run(*arguments, **others):
        return CliRunner().invoke(app, list(arguments), **others)

    assert "must be a project's folder" in str(run("status").exception)
    Path("config").mkdir()
    Path("config/config.yaml").touch()
    do(places, "a", "a")
    assert "0 videos: 0 done" in run("status").output
    assert "Remove these?" in run("remove", "a", input="n\n").output
    assert places.pose_table("a", "a").exists()
    assert run("remove", "a", "--yes").exit_code == 0
    assert not places.pose_table("a", "a").exists()
    assert run("clean", "--dry-run").exit_code == 0
    Path("far").mkdir()
    os.chdir("far")
    for name in ("config/config.yaml", "Snakefile"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("config/config.yaml").write_text("labels: {paths: [../labels/*.slp]}")
    Path("../labels").mkdir()
    Path("../labels/a.slp").write_text("no labels")
    listed = run("backup")
    assert listed.stdout.splitlines() == ["Snakefile", "config/config.yaml"], "what rsync finds below this folder"
    assert "since it lies elsewhere: ../labels/" in listed.stderr
