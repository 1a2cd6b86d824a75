"""The summary of a run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fake_results import make_index, make_poses, write_run

from poseflow.config import PromotionConfig
from poseflow.runs.places import Places
from poseflow.runs.promotion import add_to_history, decide_promotion
from poseflow.runs.summary import (
    FailedStep,
    RunInputs,
    find_missing,
    read_reason,
    say_missing,
    summarize_run,
    tell_failures,
    write_summary,
)
from poseflow.tables import write_poses

NOW = datetime.now(UTC) + timedelta(hours=2, minutes=5)


@pytest.fixture
def run(tmp_path):
    """A run that did two of four recordings; of the third, one shard failed, the fourth cannot be read."""
    results = write_run(tmp_path / "results")
    poses = {name: results / f"poses/cage/{name}.parquet" for name in ("cage", "pieces", "lost", "empty")}
    write_poses(make_poses(make_index("empty", 0), [], video="empty"), poses["empty"])
    shards = {"cage": ["0000-of-0001"], "pieces": ["0000-of-0001"], "lost": ["0000-of-0002", "0001-of-0002"]}
    shards["empty"] = []
    (results / "predictions/lost").mkdir(parents=True)
    (results / "predictions/lost/0000-of-0002.parquet").touch()
    log = tmp_path / "logs/predict/lost/0001-of-0002.log"
    log.parent.mkdir(parents=True)
    log.write_text("12:00:00 INFO predict\nTraceback\nValueError: a bad frame\n")
    return RunInputs(results, tmp_path / "logs", NOW - timedelta(hours=2, minutes=5, seconds=60), poses, shards)


def test_it_says_what_was_done_and_what_is_missing_and_why(run):
    said = summarize_run(run, NOW)
    assert "1 recording missing" in said.heading
    assert said.lines[0] == "2 recordings done, 4,000 frames, in 2 h 06 min"
    assert any(line.startswith("lost: shard 0001-of-0002 missing: ValueError: a bad frame (") for line in said.lines)
    assert "empty.mp4 cannot be read: the file is empty <0 bytes>" in said.lines
    assert "pieces: the end is cut off" in said.lines


def test_what_the_plan_left_out_is_told(run):
    assert "a.slp: is damaged" in summarize_run(replace(run, warnings=["a.slp: is damaged"]), NOW).lines


def test_what_is_proposed_of_a_recording_that_cannot_be_read_is_not_counted(run, tmp_path):
    files = {name: tmp_path / f"{name}.pkg.slp" for name in ("cage", "pieces", "empty", "never_made")}
    for name in ("cage", "pieces", "empty"):
        files[name].touch()
    said = summarize_run(replace(run, suggestions=files), NOW)
    assert f"frames to label: 2 files in {tmp_path}" in said.lines


def test_what_was_done_earlier_is_not_told_again(run):
    later = RunInputs(run.results, run.logs, NOW, {"cage": run.poses["cage"]}, run.shards)
    said = summarize_run(later, NOW)
    assert "all done" in said.heading
    assert said.lines[0].startswith("0 recordings done")


def test_a_decision_of_the_run_is_told(run):
    add_to_history(
        decide_promotion("0123456789", None, None, 1, PromotionConfig()), run.results / "promotion/history.json"
    )
    assert any("release 0123456789 was given" in line for line in summarize_run(run, NOW).lines)


def test_text_and_page_say_the_same(run):
    write_summary(summarize_run(run, NOW), run.places)
    text, page = run.places.summary.read_text(), run.places.summary_page.read_text()
    assert "ValueError: a bad frame" in text
    assert "ValueError: a bad frame" in page
    assert "&lt;0 bytes&gt;" in page
    assert "viewport" in page


def test_missing_shards_are_counted(run, tmp_path):
    assert find_missing(run) == {"lost": ["0001-of-0002"]}
    shards = [f"000{n}-of-0009" for n in (1, 2, 3)]
    assert "3 shards, from 0001-of-0009 on, missing" in say_missing("x", shards, Places(tmp_path, tmp_path))


def test_a_log_that_breaks_off_gives_no_reason(tmp_path):
    (tmp_path / "a.log").write_text("12:00:00 INFO predict\n")
    assert read_reason(tmp_path / "a.log") is None
    assert read_reason(tmp_path / "none.log") is None


def log(tmp_path, step, text):
    file = tmp_path / "logs" / f"{step}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_step_between_shards_and_table_that_failed_is_told_with_its_reason_and_log(run, tmp_path):
    (run.results / "predictions/lost/0001-of-0002.parquet").touch()
    file = log(tmp_path, "assemble/lost/lost", "Traceback\nerror: tracks must be whole, got half\nsomething else\n")
    said = summarize_run(replace(run, failed=[FailedStep("assemble", ["lost"], file)]), NOW)
    assert f"lost: the pose table is missing: error: tracks must be whole, got half ({file})" in said.lines
    assert "1 recording missing" in said.heading


def test_where_the_index_failed_that_is_the_reason_and_not_a_missing_shard(run, tmp_path):
    file = log(tmp_path, "index/lost", "ReadError: [Errno 5] Input/output error: 'videos/lost.mp4'\n")
    (line,) = tell_failures(replace(run, failed=[FailedStep("index", ["lost"], file)]))
    assert line.startswith("lost: the pose table is missing: ReadError: [Errno 5] Input/output error")


def test_a_step_that_failed_for_all_is_told_once_with_those_that_wait_for_it(run, tmp_path):
    file = log(tmp_path, "train/centroid", "ValueError: no frames\n")
    lines = tell_failures(replace(run, failed=[FailedStep("train", log=file)]))
    assert lines == [f"train failed: ValueError: no frames ({file})", "1 recording waiting for that: lost"]


def test_a_step_behind_the_table_that_failed_is_told_too(run, tmp_path):
    said = summarize_run(replace(run, poses={"cage": run.poses["cage"]}, failed=[FailedStep("render", ["cage"])]), NOW)
    assert "cage: render failed" in said.lines
    assert "1 step failed" in said.heading


@pytest.mark.parametrize(
    "last", ["MemoryError", "av.error.EOFError: [Errno 5] x", "RuntimeException: y", "KeyboardInterrupt"]
)
def test_the_last_error_of_a_log_is_its_reason(tmp_path, last):
    assert read_reason(log(tmp_path, "a", f"12:00 INFO\n  File x\n{last}\nbye\n")) == last
