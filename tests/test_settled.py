"""Recordings that need not be looked at."""

import os

import pytest

from poseflow.settled import find_unsettled, note_settled, stamp


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.parquet").write_text("a")
    (tmp_path / "b.parquet").write_text("b")
    return {"a": tmp_path / "a.parquet", "b": tmp_path / "b.parquet"}


def stamps(files, key="key"):
    return {video: stamp(key, [path]) for video, path in files.items()}


def test_a_recording_stays_settled_until_its_key_or_a_file_changes(files, tmp_path):
    store = tmp_path / "settled.json"
    assert find_unsettled(stamps(files), store) == ["a", "b"]
    note_settled(stamps(files), [], store)
    assert find_unsettled(stamps(files), store) == []
    assert find_unsettled(stamps(files, "other"), store) == ["a", "b"]
    os.utime(files["a"], ns=(1, 1))
    assert find_unsettled(stamps(files), store) == ["a"]
    files["b"].unlink()
    assert find_unsettled(stamps(files), store) == ["a", "b"]


def test_a_recording_with_an_unfinished_job_is_not_settled(files, tmp_path):
    note_settled(stamps(files), ["b"], tmp_path / "settled.json")
    assert find_unsettled(stamps(files), tmp_path / "settled.json") == ["b"]


def test_where_the_store_is_damaged_all_are_looked_at(files, tmp_path):
    (tmp_path / "settled.json").write_text("[")
    assert find_unsettled(stamps(files), tmp_path / "settled.json") == ["a", "b"]
