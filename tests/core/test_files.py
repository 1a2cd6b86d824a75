"""Files are whole or absent, and what is not finished is nobody's table."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from shell import run_case

from poseflow.core import files
from poseflow.core.errors import ConfigError
from poseflow.core.files import (
    check_replaceable,
    link_or_copy,
    make_temporary_folder,
    remove_unfinished,
    replacing,
    temporary_path,
    write_json,
)


def write_folder(path, text="new"):
    with replacing(path) as temporary:
        (temporary / "inner").mkdir(parents=True)
        (temporary / "a.txt").write_text(text)
        (temporary / "inner" / "b.txt").write_text(text)


def test_two_writers_of_one_process_number_do_not_meet(case):
    assert "A ended rc 0; out.bin: 500000 bytes of A" in run_case(case("two_writers_of_one_process_number"))


def test_a_job_killed_amid_a_table_leaves_nothing_that_readers_find(case):
    folder = case("killed_job_leaves_a_table")
    out = run_case(folder).splitlines()
    assert "rc 137" in out
    assert [line for line in out if line.endswith(".parquet")] == ["results/poses/recording=a/a.parquet"]
    read = [line for line in out if line.endswith("100 rows")]
    assert len(read) == 4
    assert len(remove_unfinished(folder / "results")) == 1
    assert [path.name for path in (folder / "results/poses").rglob("*") if path.is_file()] == ["a.parquet"]


@pytest.mark.parametrize("name", ["a.parquet", "a" * 250, "ü" * 120, "{x}.mp4", "two\nlines", ".hidden.csv"])
def test_a_temporary_name_is_found_again_fits_and_is_no_readers(tmp_path, name):
    path = temporary_path(tmp_path / name)
    assert path != temporary_path(tmp_path / name)
    assert len(os.fsencode(path.name)) <= 255
    assert path.suffix == ".unfinished"
    path.touch()
    assert remove_unfinished(tmp_path) == [], "its writer, this process, is at work"
    gone = path.with_name(path.name.replace(f"-{os.getpid()}-", f"-{dead_process()}-"))
    path.rename(gone)
    assert remove_unfinished(tmp_path) == [gone]


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_others_left_is_removed_files_and_folders_but_not_in_trainings(tmp_path):
    left = [".a.elsewhere-1-0f.unfinished", "in/.b.elsewhere-1-0f.unfinished"]
    kept = [".v.job/.c.elsewhere-1-0f.unfinished", "d.unfinished", ".notes.unfinished", "a.parquet"]
    for name in (*left, *kept):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folder = tmp_path / ".e.elsewhere-1-0f.unfinished"
    (folder / "figures").mkdir(parents=True)
    assert set(remove_unfinished(tmp_path, but_in="*.job")) == {folder, *(tmp_path / name for name in left)}
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(kept)


def test_all_of_a_folder_is_on_disk_before_it_takes_its_place_and_its_name_after(tmp_path, synced, monkeypatch):
    replace, before = os.replace, []

    def note(source, target):
        before.append(set(synced))
        replace(source, target)

    monkeypatch.setattr(os, "replace", note)
    write_folder(tmp_path / "new" / "out")
    out = tmp_path / "new" / "out"
    held = {path.stat().st_ino for path in (out, *out.rglob("*"))}
    assert held <= before[0]
    assert {out.parent.stat().st_ino, tmp_path.stat().st_ino} <= synced


def test_a_folder_takes_the_place_of_another_in_a_moment(tmp_path, monkeypatch):
    """The old one is never seen half removed."""
    write_folder(tmp_path / "out", "old")
    replace = os.replace

    def fail(source, target):
        if Path(target) == tmp_path / "out" and "new" in (Path(source) / "a.txt").read_text():
            raise OSError(errno.EIO, "Input/output error")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="Input/output"):
            write_folder(tmp_path / "out")
    assert (tmp_path / "out/inner/b.txt").read_text() == "old"
    write_folder(tmp_path / "out")
    assert (tmp_path / "out/inner/b.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_what_was_there(tmp_path, error):
    write_json({"a": 1}, tmp_path / "a.json")
    with pytest.raises(error), replacing(tmp_path / "a.json") as temporary:
        temporary.write_text("half")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == '{\n  "a": 1\n}\n'


def test_in_a_shared_folder_results_are_the_groups_to_write(tmp_path):
    """Files and folders get their mode by the umask, and the group of the folder."""
    tmp_path.chmod(0o2775)
    umask = os.umask(0o002)
    try:
        write_json({}, tmp_path / "in" / "a.json")
        write_folder(tmp_path / "out")
        link_or_copy(tmp_path / "in" / "a.json", tmp_path / "b.json")
    finally:
        os.umask(umask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {
        **dict.fromkeys(["a.json", "a.txt", "b.txt", "b.json"], 0o664),
        **dict.fromkeys(["in", "out", "inner"], 0o2775),
    }


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_without_hard_links_a_file_is_copied(tmp_path, monkeypatch, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", fail)
    (tmp_path / "a").write_text("a")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "a"


def test_a_file_system_that_cannot_flush_folders_is_no_error(tmp_path, monkeypatch):
    fsync = os.fsync

    def refuse(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(files.os, "fsync", refuse)
    write_json({}, tmp_path / "a.json")
    assert (tmp_path / "a.json").exists()


@pytest.mark.parametrize("target", ["pipe", "link", ".", "..", "/"])
def test_what_is_no_file_is_not_replaced(tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    with pytest.raises(ConfigError, match=r"must be .*a file or folder to write, got"):
        write_json({}, target)
    assert Path("pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


def test_a_file_takes_no_folders_place_nor_a_folder_a_files(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="folder must be a file, got a folder that is there"):
        write_json({}, tmp_path / "folder")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file must be a folder, got a file that is there"):
        write_folder(tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_only_a_result_of_the_same_kind_may_be_replaced(tmp_path):
    parts = ("metrics.json", "figures")
    check_replaceable(tmp_path / "new", parts)
    (tmp_path / "metrics.json").touch()
    check_replaceable(tmp_path, parts)
    (tmp_path / "thesis.tex").touch()
    for path, got in ((tmp_path, r"one that holds thesis\.tex"), (tmp_path / "thesis.tex", "a file")):
        with pytest.raises(ConfigError, match=f"must be a new folder or an earlier result of the same kind, got {got}"):
            check_replaceable(path, parts)


def test_below_a_folder_of_temporary_files_nothing_unfinished_lies_elsewhere(tmp_path):
    results = tmp_path / "results"
    make_temporary_folder(results)
    (results / "poses/cage").mkdir(parents=True)
    (results / "models/.v.job").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (results / "linked").symlink_to("../elsewhere")
    for path in ("poses/cage/a.parquet", "poses", "linked/a.parquet", "poses/../a.json"):
        assert temporary_path(results / path).parent.resolve() == results / ".temporary", path
    for path in (results / "models/.v.job/a.json", tmp_path / "elsewhere/a", tmp_path / "results", tmp_path / "no/a"):
        assert temporary_path(path).parent == path.parent, path
    for path, write in ((results / "poses/cage/a.json", write_json_to), (results / "out", write_folder)):
        for _ in range(2):
            write(path)
        assert path.exists()
    assert list((results / ".temporary").iterdir()) == []
    left = temporary_path(results / "poses/cage/a.parquet").with_name(".a.elsewhere-1-0f.unfinished")
    left.touch()
    assert remove_unfinished(results) == [left]


def write_json_to(path):
    write_json({"a": 1}, path)


@pytest.mark.parametrize(
    "fault", ["no right to write", "another group's rights", "another disk", "no folder, but a file"]
)
def test_what_is_written_has_the_file_system_and_access_rights_of_its_own_folder(tmp_path, monkeypatch, fault):
    make_temporary_folder(tmp_path)
    (tmp_path / "poses").mkdir()
    if fault == "no right to write":
        access = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: ".temporary" not in str(path) and access(path, mode))
    elif fault == "another group's rights":
        (tmp_path / "poses").chmod(0o2775)
    elif fault == "another disk":
        (tmp_path / "poses").rmdir()
        (tmp_path / "poses").symlink_to("/proc")
    else:
        (tmp_path / ".temporary").rmdir()
        (tmp_path / ".temporary").touch()
    assert temporary_path(tmp_path / "poses/a.parquet").parent == tmp_path / "poses"


@pytest.mark.parametrize("write", [write_json_to, write_folder])
def test_between_folders_that_the_system_keeps_apart_a_result_is_copied(tmp_path, monkeypatch, write):
    make_temporary_folder(tmp_path)
    (tmp_path / "poses").mkdir()
    replace = os.replace

    def refuse(source, target):
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    for _ in range(2):
        write(tmp_path / "poses/out")
    names = {path.name for path in tmp_path.rglob("*")}
    assert names - {"a.txt", "b.txt", "inner"} == {".temporary", "poses", "out"}
