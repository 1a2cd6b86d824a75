"""A dry run tells of settings that cannot be followed, or fit nothing, in one line and without a traceback."""

import shutil
from pathlib import Path

import pytest
import yaml
from shell import bash, run_script
from small_project import Project

from poseflow.config import parse_config
from poseflow.core.errors import ConfigError
from poseflow.runs.checks import check_settings
from poseflow.runs.facts import FileFacts
from poseflow.runs.places import PLACES
from poseflow.runs.plan import make_plan

ERRORS = {
    "pixels_per_mm_zero": ("{videos: {pixels_per_mm: 0}}", ["videos.pixels_per_mm", "greater than 0"]),
    "start_time_without_zone": (
        '{videos: {start_times: {a.mp4: "2026-03-01T18:00:00"}}}',
        ["videos.start_times", "recordings.tsv", "a.mp4", "time zone"],
    ),
    "start_time_of_a_missing_file": (
        '{videos: {start_times: {frist.mp4: "2026-03-01T18:00:00+01:00"}}}',
        ["videos.start_times", "recordings.tsv", "frist.mp4"],
    ),
    "more_animals_than_max_instances": (
        "{tracking: {animals: 10}, predict: {max_instances: 6}}",
        ["tracking.animals", "predict.max_instances (6), got 10"],
    ),
}
WARNINGS = {
    "label_path_fits_nothing": (
        '{labels: {paths: ["labels/*.slp", "lables2/*.slp"]}}',
        ["labels.paths", "lables2/*.slp"],
    ),
    "corrections_folder_missing": ("{review: {corrections: corections}}", ["review.corrections", "corections"]),
}


def lay_out(folder: Path, settings: str) -> Path:
    """The small project of the cases, with two models of SLEAP's as its release."""
    run_script(folder.parent / "project.py", "P", settings, "a.mp4", folder=folder)
    return folder / "P"


def check(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(project)
    config = parse_config(yaml.safe_load(Path("config/config.yaml").read_text()), "config/config.yaml")
    return check_settings(config, make_plan(config, FileFacts("facts.json")))


@pytest.mark.parametrize("name", ERRORS)
def test_a_setting_that_cannot_be_followed_is_an_error(case, name, monkeypatch):
    settings, words = ERRORS[name]
    project = lay_out(case(name), settings)
    with pytest.raises(ConfigError) as error:
        check(project, monkeypatch)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize("name", WARNINGS)
def test_a_setting_that_fits_nothing_is_told(case, name, monkeypatch):
    settings, words = WARNINGS[name]
    (line,) = check(lay_out(case(name), settings), monkeypatch)
    assert all(word in line for word in words), line


@pytest.mark.workflow
def test_errors_and_warnings_reach_the_terminal_of_a_dry_run(case):
    settings, words = ERRORS["start_time_without_zone"]
    project = lay_out(case("start_time_without_zone"), settings)
    said = Project(project).dry_run()
    (line,) = [line for line in said.splitlines() if "time zone" in line]
    assert all(word in line for word in words)
    assert "Traceback" not in said and "total" not in said
    settings, words = WARNINGS["label_path_fits_nothing"]
    said = Project(lay_out(case("label_path_fits_nothing"), settings)).dry_run()
    (line,) = [line for line in said.splitlines() if "lables2" in line]
    assert all(word in line for word in words)
    assert "total" in said


@pytest.mark.workflow
def test_labels_saved_before_split_starts_do_not_stand_under_the_former_key(case):
    folder = case("dataset_key_race")
    settings = "{release: null, split: {by: frame}, labels: {paths: [labels/*.slp], video_folders: [videos]}}"
    project = lay_out(folder, settings)
    for x, path in (("10", "before.slp"), ("50", "after.slp")):
        run_script(folder / "label.py", x, path, folder=project)
    shutil.copy(project / "before.slp", project / "labels/a.slp")
    race = f"( until [ -e {PLACES.facts} ]; do sleep 0.02; done; cp after.slp labels/a.slp ) & "
    said = bash(race + "snakemake --profile local --cores 2 --until split", project)
    assert "run again" in said and "nose at [50.0]" not in run_script(folder / "look.py", folder=project)
    bash("cp before.slp labels/a.slp; snakemake --profile local --cores 2 --until split", project)
    assert "nose at [10.0]" in run_script(folder / "look.py", folder=project)
