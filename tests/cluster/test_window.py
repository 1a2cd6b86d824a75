"""What is seen in Snakemake's window: how far a run has come, epochs of trainings, and plain mistakes in a line."""

import io
import logging
import re
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from poseflow.cluster import show_epochs
from snakemake_logger_plugin_poseflow import Progress, find_configfile_fault, find_settings_fault, say_duration


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--configfile x.yaml --profile local nightly", None),
        ("nightly --configfile x.yaml x.yaml -n", None),
        ("--configfile x.yaml nightly", "snakemake nightly --configfile"),
        ("--configfiles gone.yaml -n", "got gone.yaml, which is none"),
    ],
)
def test_a_target_that_is_taken_for_a_file_of_settings_is_told_in_a_line(tmp_path, monkeypatch, line, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").touch()
    fault = find_configfile_fault(["snakemake", *line.split()])
    assert fault is None if said is None else said in fault


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"videos: {root: videos}\n", None),
        (b"# all is as by default\n", "must hold settings, one at least, as .*, got none"),
        (b"- a\n", r"must hold settings, .*, got \['a'\]"),
        (b"videos: {root: K\xe4fig}\n", "must be a YAML file in UTF-8"),
        (b"tracking:\n\tanimals: 2\n", "must be YAML, got: .* line 2"),
    ],
)
def test_a_file_of_settings_that_snakemake_would_not_name_is_named(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    assert find_settings_fault([]) is None
    for path, named in (("other.yaml", ["other.yaml"]), ("config/config.yaml", [])):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_bytes(content)
        fault = find_settings_fault(named)
        assert fault is None if said is None else re.match(f"{path} {said}", fault)
        Path(path).unlink()


def note(progress, now, event, **values):
    record = logging.makeLogRecord({"event": event, **values})
    return progress.note(record, event, now)


def test_rate_and_time_left_are_those_of_the_whole_run():
    progress = Progress()
    note(progress, 0, LogEvent.RUN_INFO, stats={"index": 4, "predict": 4})
    for job, rule in enumerate(["index", *["predict"] * 4]):
        note(progress, 100, LogEvent.JOB_INFO, jobid=job, rule_name=rule)
    told = [note(progress, now, LogEvent.JOB_FINISHED, job_id=job) for job, now in enumerate([150, 170, 220, 230, 340])]
    assert told[0] is None
    assert told[1] == "predict: 1 of 4 shards, 51 an hour, 4 min left"
    assert told[-1] == "predict: 4 of 4 shards, 60 an hour in 4 min"


@pytest.mark.parametrize(("seconds", "said"), [(40, "40 s"), (720, "12 min"), (7500, "2 h 05 min")])
def test_durations_are_said_as_people_do(seconds, said):
    assert say_duration(seconds) == said


def test_epochs_are_repeated_on_the_terminal_and_nothing_else(tmp_path):
    log, terminal = tmp_path / "train.log", io.StringIO()
    log.write_text("10:00:00 INFO epoch 1 of 9, loss 1, an earlier start's\n")
    with show_epochs(log, "train centroid", terminal, every_s=0.01), log.open("a") as file:
        file.write(
            "10:00:01 INFO submitted job 1\n10:00:02 INFO epoch 2 of 9, loss 0.5, error 1.9 px, 3 min left at most\n"
        )
    assert terminal.getvalue() == "train centroid: epoch 2 of 9, loss 0.5, error 1.9 px, 3 min left at most\n"
