"""Facts about files are kept as long as the files are the same."""

import os
import time
from pathlib import Path

from poseflow.runs.facts import FileFacts


def test_a_fact_is_found_once_and_again_only_when_the_file_changes(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("one")
    calls = []

    def read(path):
        calls.append(path)
        return path.read_text()

    facts = FileFacts(tmp_path / "facts.json")
    assert [facts.find(file, "text", read), facts.find(file, "text", read)] == ["one", "one"]
    facts.save()
    again = FileFacts(tmp_path / "facts.json")
    assert again.find(file, "text", read) == "one"
    assert len(calls) == 1
    file.write_text("other")
    os.utime(file, ns=(1, 1))
    assert again.find(file, "text", read) == "other"


def test_a_fact_of_a_file_whose_time_was_set_back_is_found_anew(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("one")
    status = file.stat()
    facts = FileFacts(tmp_path / "facts.json")
    assert facts.find(file, "text", Path.read_text) == "one"
    time.sleep(0.02)  # a tick of the system's clock
    file.write_text("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert facts.find(file, "text", Path.read_text) == "two"


def test_a_damaged_store_of_facts_is_no_more_than_slow(tmp_path):
    (tmp_path / "facts.json").write_text("{ not json")
    (tmp_path / "a.txt").write_text("one")
    assert FileFacts(tmp_path / "facts.json").find(tmp_path / "a.txt", "text", Path.read_text) == "one"
