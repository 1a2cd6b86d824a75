"""A lab's project: made by `poseflow init`, run with the installed workflow, and upgraded."""

import os
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio
import yaml
from fake_results import write_model
from small_project import ROOT, Project, write_labels

from poseflow.cli import app
from poseflow.config import parse_config, read_model_config, read_yaml
from poseflow.core.errors import ConfigError, PoseflowError
from poseflow.project import describe_upgrade, look_at_recordings
from poseflow.project.upgrade import read_summary
from poseflow.runs.facts import FileFacts
from poseflow.runs.places import PLACES
from poseflow.runs.plan import make_plan

pytestmark = pytest.mark.workflow


def run(*command, folder, check=True, **environment):
    """Run a command of this Python without a terminal; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert not check or done.returncode == 0, done.stdout
    return done.stdout


def init(*arguments):
    """Make a project from the folder that one is in, without a terminal."""
    app(["init", *map(str, arguments)], standalone_mode=False)


def write_files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"no video")


def read_settings(project):
    settings = read_yaml(project / "config/config.yaml")
    parse_config(settings)
    return settings


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """A folder with the package as a wheel holds it."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("src", "workflow", "config", "profiles"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("Snakefile", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    uv = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*uv, "-o", site, source], check=True, timeout=300)
    (wheel,) = site.glob("*.whl")
    shutil.unpack_archive(wheel, site, "zip")
    return site


def test_two_projects_beside_one_another_run_with_the_workflow_of_a_wheel(site, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(site))
    write_labels(tmp_path / "labels/all.slp", Path("videos/a.mp4"), 0)
    lines = {}
    for name, labels in (("one", tmp_path / "labels"), ("two", tmp_path / "labels/all.slp")):
        write_files(tmp_path / f"data {name}", "cage1/a.mp4", "cage2/b.mp4")
        arguments = ["--recordings", tmp_path / f"data {name}", "--labels", labels, "--on", "local"]
        said = run("poseflow", "init", name, *arguments, folder=tmp_path)
        assert "64 labeled frames, up to 2 animals in one, named left, right, about 20 px long; 3 nodes" in said
        assert "snakemake --profile local" in said
        project = tmp_path / name
        assert len((project / "Snakefile").read_text().splitlines()) <= 7
        printed = Project(project).dry_run()
        assert "rror" not in printed
        lines[name] = [line for line in printed.splitlines() if line.split()[:1] in (["index"], ["train"], ["track"])]
    assert {tuple(line.split()) for line in lines["one"]} == {("index", "2"), ("train", "2"), ("track", "2")}
    assert lines["one"] == lines["two"]
    assert read_settings(tmp_path / "one")["videos"] != read_settings(tmp_path / "two")["videos"]


def test_the_wheel_carries_what_the_checkout_links(site):
    def files(folder):
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for part in ("Snakefile", "workflow", "profiles", "config/models")
            for path in ([folder / part] if (folder / part).is_file() else sorted((folder / part).rglob("*")))
            if path.is_file() and "__pycache__" not in path.parts
        }

    linked, carried = files(ROOT / "src/poseflow/bundle"), files(site / "poseflow/bundle")
    assert linked.keys() - carried.keys() == {"workflow/demo.py"}
    assert all(linked[name] == content for name, content in carried.items())


def test_nothing_that_is_there_is_overwritten_and_nobody_is_waited_for(tmp_path, monkeypatch):
    write_files(tmp_path / "lab", "README.md", "videos/a.mp4")
    with subprocess.Popen(
        [sys.executable, "-m", "poseflow", "init", "lab"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        said = process.stdout.read().decode()  # while nobody writes to its standard input
        assert process.wait(60) == 0
    assert "kept as it was: lab/README.md" in said and "written: lab/Snakefile" in said
    assert (tmp_path / "lab/README.md").read_bytes() == b"no video"
    (tmp_path / "lab/config/config.yaml").write_text("tracking: {animals: 3}\n")
    before = {path: path.read_bytes() for path in (tmp_path / "lab").rglob("*") if path.is_file()}
    monkeypatch.chdir(tmp_path)
    init("lab", "--animals", 5)
    assert {path: path.read_bytes() for path in (tmp_path / "lab").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--recordings", "gone"], "--recordings must be a folder, got gone"),
        (["--labels", "gone"], "labels must be a label file or a folder of them, got gone"),
        (["--labels", "a.txt"], "a.txt must be a "),
        (["--on", "cloud"], "--on must be one of local, slurm, got cloud"),
        (["--timezone", "Middle/Earth"], "Middle/Earth"),
    ],
)
def test_what_cannot_be_a_project_is_told_and_writes_nothing(tmp_path, monkeypatch, options, fault):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, "a.txt", "lab/videos/cam_2026-03-01T10-00-00.mp4")
    with pytest.raises(PoseflowError, match=fault) as raised:
        init("lab", *options)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "lab/Snakefile").exists()


def test_a_folder_that_snakemake_cannot_work_in_is_refused_and_one_for_a_shell_to_quote_is_quoted(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PoseflowError, match=r"must have no braces in its path, .*, got .*/lab \{1\}$"):
        init("lab {1}")
    assert not (tmp_path / "lab {1}").exists()
    (tmp_path / "lab {1}").mkdir()
    monkeypatch.chdir(tmp_path / "lab {1}")
    assert "must have no braces" in run("snakemake", "-n", "--logger", "poseflow", folder=Path(), check=False)
    monkeypatch.chdir(tmp_path)
    assert "Next: cd 'my lab' && " in run("poseflow", "init", "my lab", "--on", "local", folder=tmp_path)


def test_settings_suit_what_is_labeled_and_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hours = [f"videos/{camera}_2026-03-01_0{hour}-00-00.mp4" for camera in ("top", "side") for hour in range(3)]
    write_files(tmp_path / "lab", *hours)
    write_labels(tmp_path / "lab/labels/cage.slp", Path("videos/a.mp4"), 0)
    init("lab", "--timezone", "Europe/Berlin")
    settings = read_settings(tmp_path / "lab")
    assert settings["videos"] == {"root": "videos"}
    assert settings["labels"] == {"paths": ["labels/*.slp"], "video_folders": ["videos"]}
    assert settings["tracking"] == {"animals": 2, "identity": "per_tracklet"}
    assert list(settings["models"]) == ["centroid", "multi_class_top_down"]
    assert settings["recordings"] == {
        "file_names": "{camera}_{start:%Y-%m-%d_%H-%M-%S}",
        "timezone": "Europe/Berlin",
        "group_by": "day",
    }
    assert Project(tmp_path / "lab").planned_jobs()["track"] == 2
    init("other", "--recordings", "lab/videos", "--labels", "lab/labels", "--animals", 1)
    assert list(read_settings(tmp_path / "other")["models"]) == ["single_instance"]


@pytest.mark.parametrize(
    ("machine", "gpus", "minutes", "shares"),
    [
        ("local", [], (), (12, 48)),
        ("local", ["NVIDIA H200, 141 GiB"], (), (None, None)),
        ("slurm", [], (), (None, None)),
        ("slurm", [], ("--minutes", 10), (2, 8)),
        ("local", [], ("--minutes", 0), (None, None)),
    ],
)
@pytest.mark.parametrize("is_labeled", [True, False])
def test_trainings_on_a_machine_without_a_gpu_end_within_the_hour(
    tmp_path, monkeypatch, machine, gpus, minutes, shares, is_labeled
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("poseflow.cli.project.list_gpus", lambda: gpus)
    if is_labeled:
        write_labels(tmp_path / "lab/labels/cage.slp", Path("videos/a.mp4"), 0)
    init("lab", "--animals", 2, "--no-names", "--on", machine, *minutes)
    models = [read_model_config(one) for one in read_settings(tmp_path / "lab")["models"].values()]
    assert [model.kind for model in models] == ["centroid", "centered_instance"]
    assert tuple(model.training.minutes for model in models) == shares


@pytest.mark.parametrize(
    ("numbers", "split"),
    [
        (range(0, 3000, 30), {}),
        (range(116), {"block_frames": 10}),
        (range(0, 600, 3), {"block_frames": 50}),
        (range(30), {"by": "frame"}),
        (range(0, 18000, 2000), {"by": "frame"}),
    ],
)
def test_test_frames_lie_apart_from_those_that_are_trained_on_where_labels_allow(tmp_path, monkeypatch, numbers, split):
    monkeypatch.chdir(tmp_path)
    video = sio.Video("videos/a.mp4", open_backend=False)
    skeleton = sio.Skeleton(["head", "tail"])
    frames = [
        sio.LabeledFrame(video=video, frame_idx=number, instances=[sio.Instance.from_numpy(np.eye(2) * 50, skeleton)])
        for number in numbers
    ]
    (tmp_path / "lab/labels").mkdir(parents=True)
    sio.save_slp(sio.Labels(frames), str(tmp_path / "lab/labels/a.slp"), embed=False)
    init("lab")
    assert read_settings(tmp_path / "lab").get("split", {}) == split


def test_cells_of_a_new_table_fit_their_recordings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "lab/videos", "cage 1/a.mp4", 'say "hi"/a.mp4', "b[1].mp4", "=c.mp4")
    init("lab")
    assert len((tmp_path / "lab/config/recordings.tsv").read_text().splitlines()) == 5
    assert Project(tmp_path / "lab").planned_jobs("suggestions")["extract"] == 4


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A project of two days of hour files of two cameras, of which all that a run makes is there, though empty."""
    folder = tmp_path_factory.mktemp("finished")
    lab = folder / "lab"
    hours = [
        f"videos/{camera}_2026-03-0{day}T{hour:02}-00-00.mp4"
        for camera in ("top", "side")
        for day in (1, 2)
        for hour in range(3)
    ]
    write_files(lab, *hours)
    (write_model(lab / "model", "single_instance") / "model.weights.h5").write_bytes(b"weights")
    with chdir(folder):
        init("lab", "--timezone", "UTC", "--on", "local")
    settings = {**read_settings(lab), "release": {"single_instance": "model"}}
    (lab / "config/config.yaml").write_text(yaml.safe_dump(settings))
    with chdir(lab):
        plan = make_plan(parse_config(settings), FileFacts("facts.json"))
        assert len(plan.videos) == 12 and len(plan.recordings) == 4
        made = [PLACES.report, PLACES.current_release, PLACES.release(plan.release)]
        for video, recording in plan.recording_of.items():
            shards = [PLACES.shard(video, shard) for shard in plan.shards[video]]
            made += [PLACES.index(video), PLACES.assigned_release(video), PLACES.pose_table(recording, video), *shards]
        for recording in plan.recordings:
            made += [PLACES.tracks(recording), PLACES.review_list(recording), PLACES.review_labels(recording)]
        for path in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
    run("snakemake", "--profile", "local", "--touch", "--forceall", "--no-hooks", folder=lab)
    return lab


@pytest.fixture
def done(finished, tmp_path, monkeypatch) -> Path:
    """A copy of it; times of files are kept."""
    shutil.copytree(finished, tmp_path / "lab", symlinks=True)
    monkeypatch.chdir(tmp_path / "lab")
    return tmp_path / "lab"


def test_a_new_hour_costs_its_own_day_and_no_other(done):
    assert Project(done).planned_jobs() == {}
    write_files(done, "videos/top_2026-03-02T03-00-00.mp4")
    jobs = Project(done).planned_jobs()
    assert jobs == {"index": 1, "assign": 1, "predict": 1, "track": 1, "assemble": 4, "report": 1, "all": 1}


def test_recordings_that_moved_behind_a_link_cost_nothing(done):
    (done / "videos").rename(done.parent / "other disk")
    (done / "videos").symlink_to(done.parent / "other disk")
    assert Project(done).planned_jobs() == {}


def test_an_upgrade_says_exactly_what_a_raised_step_number_makes_anew(done, tmp_path, monkeypatch):
    said = run("poseflow", "upgrade", folder=done)
    assert "No step has another version" in said and said.splitlines()[-1] == "Nothing is to be done."
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer/sitecustomize.py").write_text(
        "from poseflow.runs import fingerprints\nfingerprints.STEP_VERSIONS['track'] = 99\n"
    )
    newer = {"PYTHONPATH": str(tmp_path / "newer")}
    write_files(done, "videos/top_2026-03-03T12-00-00.mp4")
    before = {path: path.read_bytes() for path in (done / "results").rglob("*") if path.is_file()}
    lines = run("poseflow", "upgrade", folder=done, **newer).splitlines()
    assert any(line.startswith("step track: version ") and "-> 99" in line for line in lines)
    table = [line.split(maxsplit=2) for line in lines if line.startswith("  ")]
    assert table == [
        ["index", "1", "not made yet"],
        ["assign", "1", "not made yet"],
        ["predict", "1", "not made yet"],
        ["track", "4", "another version of the step"],
        ["track", "1", "not made yet"],
        ["assemble", "1", "not made yet"],
        ["assemble", "12", "since track has another version"],
        ["report", "1", "since track has another version"],
    ]
    jobs = {}
    for rule, number, _ in table:
        jobs[rule] = jobs.get(rule, 0) + int(number)
    monkeypatch.setenv("PYTHONPATH", newer["PYTHONPATH"])
    assert Project(done).planned_jobs() == {**jobs, "all": 1}, "as the run itself will say"
    changed = {path for path, content in before.items() if path.read_bytes() != content}
    assert {path.name for path in changed} <= {".plan.json", "recordings.json"}, "nothing ran"


def test_upgrade_elsewhere_than_in_a_project_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="upgrade must be asked in a project's folder"):
        next(describe_upgrade())


def test_a_summary_is_read_without_what_is_printed_around_it():
    head = "output_file\tdate\trule\tlog-file(s)\tstatus\tplan"
    rows = ["a\t-\ttrack\tl\tmissing\tupdate pending", "b\t-\ttrack\tl\tok\tno update"]
    assert [file.status for file in read_summary(["Building", head, *rows])] == ["missing"]
    assert read_summary([]) == []


def test_names_of_files_are_understood_only_where_all_say_the_same(tmp_path):
    write_files(tmp_path, "a_20260301_120000.mp4", "b_20260301_130000.mp4")
    assert look_at_recordings(tmp_path).file_names == "{camera}_{start:%Y%m%d_%H%M%S}"
    write_files(tmp_path, "notes.mp4")
    assert look_at_recordings(tmp_path).file_names is None
