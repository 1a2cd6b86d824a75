"""One bad thing stops only itself: what cannot be read, named or done is told in a line, and the rest is done."""

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from shell import bash
from small_project import ROOT, Project

from poseflow.config import parse_config
from poseflow.runs.facts import FileFacts
from poseflow.runs.places import PLACES
from poseflow.runs.plan import make_plan

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(1800)]
LONG = "/".join(["d" * 60] * 5) + "/v.mp4"
SNAKEMAKE = "snakemake --profile local"


def test_recordings_of_any_name_are_planned(case_project, case):
    """The cases recordings_collide_file_and_folder, braces_in_a_name, name_that_is_not_utf8 and long_path in one."""
    names = ["a.mp4", "we{ird}.mp4", "cage1.mp4", "cage1/day2.mp4", LONG, '-q"uo te.mp4', "K\u00e4.mp4", "Ka\u0308.mp4"]
    project = case_project("braces_in_a_name", {}, *names)
    for other in (b"bad\xff.mp4", b"line\nbreak.mp4"):
        shutil.copyfile(project / "videos/a.mp4", os.fsdecode(os.fsencode(project / "videos") + b"/" + other))
    os.mkfifo(project / "videos/pipe.mp4")
    (project / PLACES.results).mkdir()
    printed = Project(project).dry_run("nightly")
    jobs = dict(line.split() for line in printed.splitlines() if len(line.split()) == 2)
    assert (jobs["index"], jobs["track"]) == (str(len(names) + 2), str(len(names) + 2)), printed
    assert r"warning: videos/bad\xff.mp4 is left out: its name must be UTF-8" in printed


def test_a_video_that_may_not_be_read_is_planned(case_project):
    project = case_project("unreadable_video_stops_all", {}, "a.mp4", "locked.mp4")
    printed = bash(
        f"gcc -shared -fPIC -o shim.so ../shim.c && LOCKED=videos/locked.mp4 LD_PRELOAD=$PWD/shim.so {SNAKEMAKE} -n;"
        "LOCKED=videos/locked.mp4 LD_PRELOAD=$PWD/shim.so poseflow index videos/locked.mp4 -o locked.json",
        project,
    )
    assert "rror" not in printed.split("videos/locked.mp4: quarantined")[0], printed
    assert "videos/locked.mp4: quarantined: videos/locked.mp4 must be readable, got: Permission denied" in printed


def test_one_may_look_at_a_project_whose_results_one_may_not_write(case_project, tmp_path, monkeypatch):
    project = case_project("parts_in_string_order", {}, "a.mp4")
    (tmp_path / "sitecustomize.py").write_text(
        "import poseflow.runs.facts as facts\n"
        "def refuse(self):\n    raise PermissionError(13, 'Permission denied')\n"  # of which root is never told
        "facts.FileFacts.save = refuse\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    printed = Project(project).dry_run()
    assert "warning: results must be writable for a run, got [Errno 13] Permission denied" in printed, printed
    assert "Traceback" not in printed and "total" in printed


def test_parts_follow_one_another_as_a_person_counts(case_project, monkeypatch):
    numbers = (1, 2, 9, 10, 11)
    project = case_project("parts_in_string_order", {}, *(f"cage/part{number}.mp4" for number in numbers))
    monkeypatch.chdir(project)
    config = parse_config({"videos": {"root": "videos"}, "labels": {"paths": ["none/*.slp"]}})
    plan = make_plan(config, FileFacts("facts.json"))
    assert plan.recordings == {"cage": [f"cage__part{number}" for number in numbers]}


def test_an_image_folder_that_is_written_anew_is_another_recording(case):
    folder = case("image_folder_written_anew")
    text = (folder / "case.md").read_text()
    command = text.split("```\n")[1]
    before, after = bash(command, folder).strip().splitlines()[-1].replace("} {", "}|{").split("|")
    assert before.startswith("{'frames_a': '") and after.startswith("{'frames_a': '")
    assert before != after


def test_the_handler_of_a_failed_run_tells_of_any_number_of_recordings(tmp_path, monkeypatch):
    """The case onerror_arg_list: 5,000 recordings with names of 100 characters, one of them without a pose table."""
    monkeypatch.chdir(tmp_path)
    names = [f"{n:05d}_" + "cage_of_the_long_names_" * 4 + "ab" for n in range(5000)]
    told = {}

    def run(command, **options):
        subprocess.run(["true", *command[1:]], check=True)  # raises OSError for a list that is too long
        told.update(json.loads(options["input"]))

    rules = ROOT / "workflow/rules/run.smk"
    scope = {
        "PLAN": SimpleNamespace(videos=names, recordings=names),
        "PLACES": PLACES,
        "pose_table": lambda name: PLACES.pose_table(name, name),
        "index_files": lambda videos: list(map(PLACES.index, videos)),
    }
    exec(compile(rules.read_text(), rules, "exec"), scope)
    stand_ins = {"run_inputs": lambda failed: None, "tell_failures": lambda inputs: ["one failed"]}
    scope |= {"subprocess": SimpleNamespace(run=run), "sys": sys} | stand_ins
    for name in names:
        tables = [] if name == names[7] else [PLACES.pose_table(name, name)]
        for path in (*tables, PLACES.review_list(name), PLACES.index(name)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    scope["report_what_is_there"]()
    assert [len(told[what]) for what in ("index", "poses", "review")] == [5000, 4999, 5000]
    assert told["missing"] == ["one failed"]
