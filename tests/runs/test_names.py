"""Names of recordings: safe, of one recording each, and kept for good."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.core.errors import ConfigError
from poseflow.core.files import write_json
from poseflow.runs.corrections import group_corrections
from poseflow.runs.names import give_names, read_names, show_path, write_names


def name(*paths: str, known: dict[str, str] | None = None) -> dict[str, str]:
    return give_names(map(Path, paths), known or {})


def test_a_name_is_the_path_below_the_root():
    assert name("b.mp4", "day1/cam2/a.MKV") == {
        "b.mp4": "b",
        "day1/cam2/a.MKV": "day1__cam2__a",
        "day1/cam2/": "day1__cam2",
    }


def test_namesakes_are_told_apart_by_their_extension():
    assert name("clip.mp4", "clip.avi", "other.avi") == {
        "clip.avi": "clip.avi",
        "clip.mp4": "clip.mp4",
        "other.avi": "other",
    }


def test_a_name_once_given_stays_when_a_namesake_comes():
    before = name("a.mp4", "cage/b.mp4")
    after = name("a.avi", "a.mp4", "A.mp4", "cage.mp4", "cage/b.mp4", known=before)
    assert before.items() <= after.items()
    assert after["a.avi"] == "a.avi"
    assert (after["cage.mp4"], after["cage/"]) == ("cage.mp4", "cage"), "the folder was there first"


def test_a_name_is_not_given_again_when_its_recording_is_gone():
    assert name("a.avi", known=name("a.mp4"))["a.avi"] == "a.avi"


def test_without_the_file_of_names_they_are_the_same_where_none_collide():
    paths = ["b.mp4", "a b.mp4", "x/1.mp4", "x/2.mp4", "long/" + "d" * 200 + ".mp4"]
    one_by_one = {}
    for path in paths:
        one_by_one = name(path, known=one_by_one)
    assert name(*paths) == one_by_one


def test_a_file_and_a_folder_of_one_name_are_two_recordings():
    names = name("cage1.mp4", "cage1/day2.mp4")
    assert names["cage1.mp4"] == "cage1"
    assert re.fullmatch("cage1-[0-9a-f]{6}", names["cage1/"])


def test_folders_whose_paths_are_written_alike_are_two_recordings():
    names = name("a/b/x.mp4", "a__b/y.mp4", "A/b/x.mp4")
    assert len({names[folder].lower() for folder in ("a/b/", "a__b/", "A/b/")}) == 3
    assert len({names[path].lower() for path in names}) == len(names)


def test_an_awkward_name_becomes_a_safe_one_that_readers_of_parquet_folders_do_not_pass_over():
    names = name("a b/x.mp4", "a_b/x.mp4", "a'b/x.mp4", "\u00e4/x.mp4", "-a/x.mp4", "_a/x.mp4", "_a.mp4")
    assert len(set(names.values())) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", safe) for safe in names.values())


def test_names_of_long_paths_fit_a_file_name_twice():
    folder = "d" * 60
    names = name(f"{'/'.join([folder] * 5)}/v.mp4", f"{'/'.join([folder] * 5)}/w.mp4", "e" * 250 + ".mp4")
    assert len(set(names.values())) == 4
    assert max(map(len, names.values())) <= 120


letters = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
# No file has the other two names.
parts = st.lists(st.text(letters, min_size=1).filter(lambda part: part not in (".", "..")), min_size=1, max_size=3)
alike = st.sampled_from(["a", "A", "b", "a__b", "a b", "a.mp4", "\u00e9", "e\u0301", "x" * 130])
few = st.lists(alike, min_size=1, max_size=3)


@pytest.mark.slow
@given(st.lists(st.one_of(parts, few).map(lambda names: Path(*names)), min_size=1, max_size=8), st.integers(0, 8))
def test_names_are_safe_and_differ_whatever_came_first(paths, first):
    before = give_names(paths[:first], {})
    names = give_names(paths, before)
    assert before.items() <= names.items()
    assert {path.as_posix() for path in paths} <= names.keys()
    assert len({given.casefold() for given in names.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}", given) for given in names.values())


def test_names_are_kept_in_a_file(tmp_path):
    file = tmp_path / "recordings.json"
    assert read_names(file) == {}
    write_names(name("a b.mp4"), file)
    assert read_names(file) == name("a b.mp4")


@pytest.mark.parametrize("content", [["a"], {"a.mp4": "a", "b.mp4": "A"}, {"a.mp4": "../a"}, {"a.mp4": 1}])
def test_a_damaged_file_of_names_is_told(tmp_path, content):
    write_json(content, tmp_path / "recordings.json")
    with pytest.raises(ConfigError, match=r"recordings\.json must give each recording a name of its own"):
        read_names(tmp_path / "recordings.json")
    (tmp_path / "recordings.json").write_text("{")
    with pytest.raises(ConfigError, match=r"recordings\.json must be a JSON file"):
        read_names(tmp_path / "recordings.json")


def test_a_path_is_shown_in_one_line():
    assert show_path(os.fsdecode(b"bad\xff\nK\xc3\xa4fig.mp4")) == "bad\\xff\\nK\u00e4fig.mp4"


def test_a_file_is_of_the_recording_with_the_longest_name_that_fits(tmp_path):
    names = ["clip", "clip.avi", "cli"]
    files = ("clip.slp", "clip.ann.slp", "clip.avi.slp", "clip.avi.ann.slp", "clip.avis.slp")
    for file in files:
        (tmp_path / file).touch()
    found = group_corrections(tmp_path, names)
    owners = {file: [name for name in names if tmp_path / file in found.get(name, ())] for file in files}
    assert owners == {
        "clip.slp": ["clip"],
        "clip.ann.slp": ["clip"],
        "clip.avi.slp": ["clip.avi"],
        "clip.avi.ann.slp": ["clip.avi"],
        "clip.avis.slp": ["clip"],
    }
