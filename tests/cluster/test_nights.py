"""Night after night: what is new, and only that; better models, and only better ones."""

import numpy as np
import pytest
import sleap_io as sio
from small_project import NODES, TOP_DOWN, animal_points

from poseflow.core.files import read_json
from poseflow.runs.places import PLACES

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]


def label_more(project, count, points_of):
    """Add a label file of `count` frames of the second recording."""
    skeleton = sio.Skeleton(list(NODES), edges=[("head", "body"), ("body", "tail")])
    video = sio.Video(filename=str(project.folder / "videos/day 2/second.mp4"))
    frames = [
        sio.LabeledFrame(
            video=video,
            frame_idx=frame,
            instances=[sio.Instance.from_numpy(points, skeleton=skeleton) for points in points_of(frame)],
        )
        for frame in range(count)
    ]
    labels = sio.Labels(labeled_frames=frames, videos=[video], skeletons=[skeleton])
    sio.save_file(labels, str(project.folder / "labels/more.slp"))


def history(project):
    return read_json(project.places.history)


def release_of(project, video):
    return read_json(project.places.assigned_release(video))["id"]


def times(project):
    kinds = ("predictions", "tracks", "poses")
    paths = [path for kind in kinds for path in project.places.results.glob(f"{kind}/**/*.*")]
    return {path: path.stat().st_mtime_ns for path in paths}


def test_a_night_without_news_runs_no_job(project):
    before = project.cluster.run("sacct", "-X", "-n", "-o", "jobid")
    assert "Nothing to be done" in project.snakemake("nightly")
    assert project.cluster.run("sacct", "-X", "-n", "-o", "jobid") == before


def test_one_new_recording_costs_its_own_jobs(project):
    project.add_recording("third.mp4", seed=2)
    made = ("assign", "index", "track", "assemble", "extract", "report", "nightly")
    assert project.planned_jobs("nightly") == {**dict.fromkeys(made, 1), "predict": 3}


def test_five_new_labels_train_and_compare_and_predict_nothing_again(project):
    label_more(project, 5, lambda frame: animal_points(frame, seed=1))
    trained = {"split": 1, "train": 2, "release": 1, "evaluate": 2, "promote": 1}
    told = {"evaluate_tracking": 1, "report": 1, "nightly": 1}
    assert project.planned_jobs("nightly") == trained | told


@pytest.mark.slow
def test_better_models_are_promoted_for_new_recordings_and_one_can_go_back(project):
    (first,) = [decision["current"] for decision in history(project)]
    before, done = times(project), project.tables()
    models = {
        name: {**profile, "training": {**profile["training"], "max_epochs": 8, "steps_per_epoch": 40}}
        for name, profile in TOP_DOWN["models"].items()
    }
    project.configure(**TOP_DOWN | {"models": models})
    project.add_recording("third.mp4", seed=2)
    project.snakemake("nightly")
    decision = history(project)[-1]
    assert (decision["event"], decision["incumbent"]) == ("promoted", first)
    assert decision["comparison"]["low"] > 0
    assert release_of(project, "third") == decision["current"] != first
    assert release_of(project, "first") == first
    assert {path: time for path, time in times(project).items() if path in before} == before
    assert project.tables().items() >= done.items()
    assert project.places.suggestions("third").exists()
    summary = project.places.summary.read_text()
    assert f"release {decision['current']} takes the place of {first}" in summary
    assert "1 recording done, 64 frames" in summary
    assert "Nothing to be done" in project.snakemake("nightly")

    project.poseflow("rollback")
    assert [decision["event"] for decision in history(project)] == ["first", "promoted", "rolled back"]
    assert project.planned_jobs("nightly") == {"report": 1, "nightly": 1}, "the report tells of the release in use"
    project.add_recording("fourth.mp4", seed=3)
    assert "train" not in project.planned_jobs("nightly")
    assert read_json(project.places.current_release)["id"] == first
    asked = ("--config", 'promotion={repredict: ["third"]}')
    assert project.planned_jobs("nightly", *asked)["predict"] == 6


@pytest.mark.slow
def test_models_trained_on_shuffled_labels_are_not_promoted(project):
    (first,) = [decision["current"] for decision in history(project)]
    random = np.random.default_rng(0)
    before = times(project)
    label_more(project, 24, lambda frame: random.uniform(5, 90, (2, len(NODES), 2)))
    rule = {"video": "second.mp4", "to": "train"}
    project.configure(split={**project.config["split"], "hold_out": [rule]}, **TOP_DOWN)
    project.snakemake("nightly")
    decision = history(project)[-1]
    assert (decision["event"], decision["current"]) == ("kept", first)
    assert decision["candidate"] != first
    assert decision["comparison"]["low"] <= 0
    assert times(project) == before
    assert "Nothing to be done" in project.snakemake("nightly")


def test_two_nights_never_overlap(project):
    project.add_recording("third.mp4", seed=2)
    with project.running(str(PLACES.index("third"))):
        project.find_job("rule_index")
        assert "only one run may work on these results" in project.snakemake("nightly", check=False)
