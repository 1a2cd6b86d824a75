"""The whole workflow on small recordings: what it makes, and what it does again."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import sleap_io as sio
from pandas.testing import assert_frame_equal
from small_project import CONFIG, NODES, TOP_DOWN

from poseflow import read_poses
from poseflow.cli import app
from poseflow.core.files import read_json
from poseflow.corrections import NameClaim, PointsClaim, Sighting, append_claims, stamp
from poseflow.runs.places import ANY, PLACES
from poseflow.tables import read_predictions, read_tracks

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(1800)]
CURRENT = str(PLACES.current_release)  # the release in use


def video_ids(project):
    return sorted(path.stem for path in project.places.find(project.places.index(ANY)))


def test_every_recording_gets_a_pose_table_and_the_run_a_report(finished):
    results = finished.folder / "results"
    assert len(list(results.glob("poses/*/*.parquet"))) == 3
    poses = read_poses(results / "poses")
    assert poses["frame_idx"].between(0, finished.frames - 1).all()
    assert set(poses["video"]) <= set(video_ids(finished))
    assert (results / "report.html").stat().st_size > 10_000
    assert len(list(results.glob("overlays/*.mp4"))) == 3


def test_shards_cover_each_recording(finished):
    (index,) = finished.places.find(finished.places.index("first"))
    shards = finished.places.find(finished.places.shard("first", ANY))
    assert [shard.stem for shard in shards] == ["0000-of-0003", "0001-of-0003", "0002-of-0003"]
    assert read_predictions(shards).frames == ((0, finished.frames),)
    assert read_json(index)["frames"] == finished.frames


def test_a_broken_recording_flows_through_and_stands_in_the_report(finished):
    index = read_json(finished.places.index("broken"))
    assert index["status"] == "quarantined"
    (table,) = finished.places.find(finished.places.shard("broken", ANY))
    predictions = read_predictions(table)
    assert len(predictions) == 0
    assert predictions.metadata["status"] == "quarantined"
    assert predictions.metadata["reason"] == index["reason"]
    assert index["reason"] in finished.places.report.read_text()


def test_the_release_knows_its_models_and_they_are_measured(finished):
    release = read_json(finished.folder / CURRENT)
    assert set(release["kinds"].values()) == {"centroid", "centered_instance"}
    (metrics,) = finished.places.find(finished.places.metrics(ANY, release["id"]))
    assert read_json(metrics)["frames"] == 13


def test_pipelines_are_measured_on_the_same_frames_and_compared_in_the_report(finished):
    released = {path.stem for path in finished.places.find(finished.places.release(ANY))}
    files = finished.places.find(finished.places.metrics(ANY, ANY))
    measured = {path.parent.name: read_json(path) for path in files}
    assert len(measured) == 2 and released == measured.keys()
    assert len({metrics["test_set"] for metrics in measured.values()}) == 1
    names = [metrics["identities"] for metrics in measured.values() if metrics["identities"]]
    assert [own["confusion"]["labels"] for own in names] == [["left", "right"]]
    page = finished.places.report.read_text()
    assert all(words in page for words in ('id="comparison"', "one_pass", "<h3>multi_class_bottom_up"))


def test_tracks_are_measured_where_labels_have_tracks(finished):
    assert [path.stem for path in finished.places.find(finished.places.tracking_metrics(ANY))] == ["first"]


def test_a_second_run_has_nothing_to_do(project):
    assert "Nothing to be done" in project.snakemake()


@pytest.mark.long
def test_a_report_that_failed_is_made_by_the_next_run(project):
    (metrics,) = project.places.find(project.places.metrics(ANY, read_json(project.folder / CURRENT)["id"]))
    sound, times = metrics.read_bytes(), metrics.stat()
    metrics.write_bytes(b"{")
    os.utime(metrics, ns=(times.st_atime_ns, times.st_mtime_ns))
    project.places.report.unlink()
    said = project.snakemake(check=False)
    assert "report" in said and str(PLACES.log("report")) in project.places.report.read_text()
    assert project.planned_jobs() == {"report": 1, "all": 1}
    metrics.write_bytes(sound)
    os.utime(metrics, ns=(times.st_atime_ns, times.st_mtime_ns))
    project.snakemake()
    assert project.planned_jobs() == {}


def test_labels_and_recordings_that_were_only_touched_cost_nothing(project):
    for path in project.folder.glob("[lv]*/**/*.*"):
        os.utime(path)
    assert project.planned_jobs() == {}


def test_a_recording_that_was_replaced_is_made_anew(project):
    project.add_recording("first.mp4", seed=5)
    jobs = project.planned_jobs()
    assert (jobs["index"], jobs["predict"], jobs["track"]) == (1, 3, 1)
    assert "train" not in jobs


def test_one_new_recording_costs_its_own_jobs_and_the_report(project):
    project.add_recording("third.mp4", seed=2)
    jobs = project.planned_jobs()
    made = ("assign", "index", "track", "assemble", "render", "report", "all")
    assert jobs == {**dict.fromkeys(made, 1), "predict": 3}


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        (
            {"tracking": {"animals": 1, "window_frames": 2}},
            {"track", "assemble", "render", "evaluate_tracking", "report"},
        ),
        ({"render": {"enabled": True, "max_frames": 10, "trail_frames": 3}}, {"render"}),
        ({"report": {"title": "Other"}}, {"report"}),
        ({"evaluation": {"pck_px": [3.0]}}, {"evaluate", "promote", "evaluate_tracking", "report"}),
        (
            {"tracking": {"animals": 1, "window_frames": 2}, "evaluation": {"pck_px": [3.0]}},
            {"evaluate", "promote", "track", "assemble", "render", "evaluate_tracking", "report"},
        ),
    ],
    ids=["tracking", "render", "report", "evaluation", "two at once"],
)
def test_a_changed_setting_reruns_what_depends_on_it_and_only_that(project, changes, rules):
    project.configure(**changes)
    assert set(project.planned_jobs()) - {"all"} == rules


def test_what_is_told_of_one_recording_reruns_what_depends_on_it_there_and_only_that(project):
    table = project.folder / "config/recordings.tsv"
    table.write_text("recording\tstart\tgroup\nfirst.mp4\t2026-03-01T18:00:00+01:00\tcontrol\n")
    assert project.planned_jobs() == {"assemble": 1, "render": 1, "report": 1, "all": 1}
    table.write_text("recording\tanimals\nday 2\t1\n")
    assert project.planned_jobs() == {"track": 1, "assemble": 1, "render": 1, "report": 1, "all": 1}


def test_tracking_again_opens_no_video(project):
    project.configure(render={"enabled": False}, tracking={"animals": 1, "window_frames": 2})
    jobs = project.planned_jobs()
    assert set(jobs) - {"all"} == {"track", "assemble", "evaluate_tracking", "report"}
    for video in (project.folder / "videos").rglob("*.mp4"):
        times = video.stat()
        video.write_bytes(b"\0" * times.st_size)
        os.utime(video, ns=(times.st_atime_ns, times.st_mtime_ns))
    project.snakemake(str(PLACES.pose_table("first", "first")))  # to measure tracks does look at the labeled video
    tracks = read_tracks(project.places.tracks("first"), "first")
    assert len(np.unique(tracks.frame_idx)) == len(tracks), "one animal a frame"


def test_what_a_person_corrected_is_tracked_again(project):
    project.configure(render={"enabled": False})
    assert set(project.planned_jobs()) <= {"all"}
    (project.folder / "corrections").mkdir()
    shutil.copy(project.places.review_labels("first"), project.folder / "corrections/first.slp")
    jobs = project.planned_jobs()
    assert (jobs["track"], jobs["assemble"], jobs["report"]) == (1, 1, 1)
    assert "predict" not in jobs
    assert project.places.review_list("first").read_text().startswith("rank,video,frame_idx")


def test_of_claims_only_their_recording_is_made_again_and_only_poses_are_trained_on(project):
    project.configure(render={"enabled": False})
    log = project.folder / "corrections/first.jsonl"
    poses = read_poses(project.places.pose_table("first", "first"))
    row = poses[poses.frame_idx == poses.frame_idx.iloc[-1]].iloc[0]
    seen = [[[row[f"{node}.{part}"] for part in "xy"] for node in NODES]]
    where = Sighting.of("first", int(row["frame_idx"]), NODES, seen, 0)
    append_claims(log, [NameClaim(**stamp(), where=where, name="left")])
    jobs = project.planned_jobs()
    assert (jobs["track"], jobs["assemble"], jobs["report"]) == (1, 1, 1)
    assert not {"predict", "split", "train"} & set(jobs)
    append_claims(log, [PointsClaim(**stamp(), where=where, points={"head": (50.0, 50.0)})])
    jobs = project.planned_jobs()
    assert (jobs["split"], jobs["train"], jobs["track"], jobs["assemble"]) == (1, 3, 1, 1)
    project.configure(render={"enabled": False}, labels={**project.config["labels"], "corrections": False})
    assert not {"split", "train"} & set(project.planned_jobs())
    project.snakemake("--until", "assemble")
    poses = read_poses(project.places.pose_table("first", "first"))
    assert poses.loc[poses["edited"], ["head.x", "head.y"]].to_numpy().tolist() == [[50, 50]]
    assert not {"track", "assemble"} & set(project.planned_jobs()), "what is made is made"


def test_a_changed_model_is_trained_anew_and_only_that_one(project):
    models = {**project.config["models"]}
    models["centroid"] = {**models["centroid"], "head": {"output_stride": 2, "sigma_px": 4.0}}
    project.configure(models=models)
    jobs = project.planned_jobs()
    assert jobs["train"] == 1
    assert "split" not in jobs
    project.configure()
    assert project.planned_jobs() == {}


def test_given_models_run_without_labels(project):
    models = read_json(project.folder / CURRENT)["models"]
    project.configure(labels={"paths": ["none/*.slp"]}, **TOP_DOWN | {"release": models})
    project.add_recording("third.mp4", seed=2)
    jobs = project.planned_jobs()
    assert {"release", "promote", "assign", "predict", "track", "assemble"} <= set(jobs)
    assert jobs["predict"] == 3, "recordings that are done keep the release they were made with"
    assert not {"split", "train", "evaluate", "evaluate_tracking"} & set(jobs)


def test_models_of_sleap_run_like_ours(fresh, real_data):
    folders = {
        kind: real_data / f"sleap_models/minimal_instance.UNet.{kind}" for kind in ("centroid", "centered_instance")
    }
    release = {kind: str(folder) for kind, folder in folders.items()}
    (fresh.folder / "videos/broken.mp4").unlink()
    fresh.configure(
        labels={"paths": ["none/*.slp"]},
        predict={**fresh.config["predict"], "shard_frames": fresh.frames},
        release=release,
        render={"enabled": False},
    )
    fresh.snakemake()
    assert fresh.planned_jobs() == {}
    (written,) = fresh.places.find(fresh.places.release(ANY))
    assert read_json(written)["kinds"] == {"centroid": "centroid", "centered_instance": "centered_instance"}
    poses = read_poses(fresh.places.all_poses)
    assert {"A.x", "A.y", "B.score"} <= set(poses.columns)
    assert "input_scaling" in fresh.places.report.read_text(), "the report shows SLEAP's settings"


def test_suggestions_need_neither_labels_nor_models(project):
    for path in project.places.results.glob("p*"):
        path.rename(project.folder / f"old-{path.name}")
    project.configure(labels={"paths": ["none/*.slp"]}, extract={"method": "stride", "frames_per_video": 3})
    assert project.planned_jobs("suggestions") == {"extract": 3, "suggestions": 1}
    project.snakemake("suggestions")
    assert len(project.places.find(project.places.suggestions(ANY))) == 3


def test_the_commands_give_what_the_rules_give(project, monkeypatch):
    """On named files, and unsharded."""
    folders = read_json(project.folder / CURRENT)["models"].values()
    models = [part for folder in folders for part in ("--model", folder)]
    config = ["--config", "config/config.yaml"]
    index, poses = str(PLACES.index("first")), str(PLACES.pose_table("first", "first"))
    monkeypatch.chdir(project.folder)
    for command in (
        ["predict", index, *models, *config, "--out", "p.parquet"],
        ["track", "p.parquet", *config, "--out", "t.parquet"],
        ["assemble", "p.parquet", "--tracks", "t.parquet", "--index", index, "--out", "poses.parquet"],
    ):
        app(command, standalone_mode=False)
    assert_frame_equal(read_poses(project.folder / "poses.parquet"), read_poses(project.folder / poses))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trackin": {}}, "did you mean 'tracking'"),
        (
            {
                "models": {"centroid": {"profile": "config/models/centroid.yaml", "heads": {}}},
                "pipelines": None,
                "release": None,
            },
            "did you mean 'head'",
        ),
        ({"release": "top-down"}, "release must be one of pipelines (one_pass, top_down), got top-down"),
        ({"videos": {"root": "nowhere"}}, "videos.root must be a folder that holds recordings, got nowhere"),
        ({"labels": {"paths": ["nowhere.slp"]}}, "nowhere.slp"),
    ],
    ids=["config", "profile", "release", "no videos", "no label file"],
)
def test_a_fault_in_the_settings_ends_a_dry_run_at_once(project, changes, message):
    project.configure(**changes)
    output = project.dry_run()
    assert message in output
    assert "Traceback" not in output
    assert "Nothing to be done" not in output


def test_label_files_that_are_not_found_end_the_first_run_and_are_told_in_later_ones(project):
    """With a release in use, recordings are predicted all the same."""
    project.configure(labels={"paths": ["nowhere/*.slp"]})
    project.add_recording("third.mp4", seed=2)
    told = "labels.paths must fit label files, got nowhere/*.slp, which fits none"
    assert told in project.dry_run() and project.planned_jobs()["predict"] == 3
    shutil.rmtree(project.folder / "results")
    output = project.dry_run()
    assert "labels.paths must match label files" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experiments": {}}, "experiments must name what is compared, got none"),
        ({"labels": {"paths": ["nowhere/*.slp"]}}, "labels.paths must match label files, got none for nowhere/*.slp"),
    ],
    ids=["none is named", "no labels"],
)
def test_experiments_that_cannot_be_made_are_told(project, changes, message):
    compared: dict[str, dict] = {"sample_efficiency": {}}
    project.configure(**{"experiments": compared, **changes})
    output = project.dry_run("experiments")
    assert message in output
    assert "Traceback" not in output
    assert "Nothing to be done" not in output


def test_a_dry_run_imports_no_networks(project):
    code = "import sys; sys.argv = ['snakemake', '-n', '--cores', '1']; from snakemake.cli import main\n"
    code += "try: main()\nfinally: print('imported:', sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, capture_output=True, text=True, timeout=200)
    (imported,) = re.findall(r"^imported: (.*)$", done.stdout, re.MULTILINE)
    assert "'poseflow'" in imported
    for heavy in ("tensorflow", "keras", "torch", "jax"):
        assert f"'{heavy}'" not in imported


def test_a_second_run_at_the_same_time_is_turned_away(project):
    project.places.report.unlink()
    lock = (
        "import time; from poseflow.runs.lock import lock_results; "
        f"lock = lock_results('{PLACES.lock}'); print('held');"
    )
    with subprocess.Popen(
        [sys.executable, "-uc", lock + "time.sleep(100)"], cwd=project.folder, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        output = project.snakemake(check=False)
        assert f"only one run may work on these results, got a second; the first is process {other.pid}" in output
        assert not project.places.report.exists()
        assert "report" in project.planned_jobs()
        other.kill()
    project.snakemake()
    assert project.places.report.exists()


def test_rules_stand_in_snakemakes_own_report(project):
    project.snakemake("--report", "snakemake.html")
    assert "overlay" in (project.folder / "snakemake.html").read_text()


def test_a_project_without_labels_yet_goes_on_with_the_release_in_use(project):
    """Nothing is trained, and new recordings are predicted all the same."""
    labels = sio.load_slp(str(project.folder / "labels/first.slp"), open_videos=False)
    labels.labeled_frames.clear()
    sio.save_file(labels, str(project.folder / "labels/first.slp"), verbose=False)
    project.add_recording("third.mp4", seed=2)
    said = project.dry_run("nightly")
    assert "labels/first.slp must hold labeled frames to train on, got none; nothing is trained yet" in said
    jobs = project.planned_jobs("nightly")
    assert jobs["predict"] == 3
    assert not {"split", "train", "evaluate", "promote"} & set(jobs)


def test_runtime_auto_is_measured_when_the_release_is_made(project):
    """Nothing is trained again; that the report says what was tried is seen in tests/report."""
    pytest.importorskip("onnxruntime", reason="needs poseflow[runtimes]")
    project.configure(predict={**CONFIG["predict"], "runtime": "auto"})
    jobs = project.planned_jobs()
    assert {"release", "predict", "report"} <= set(jobs) and not {"split", "train"} & set(jobs)
    project.snakemake("--until", "promote")
    current = read_json(project.folder / CURRENT)
    assert {one["runtime"] for one in current["runtime"]["tried"]} == {"keras", "onnxruntime", "openvino"}
