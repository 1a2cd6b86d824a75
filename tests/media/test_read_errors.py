"""A disk that fails says nothing about a recording: its error is raised, with the file's name."""

import errno
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from shell import bash

from poseflow.core.errors import ReadError, VideoError
from poseflow.media import estimate_frames, index_video, open_video, read_image
from poseflow.media.reading import RecordingFile, is_hdf5, raise_if_unread

PASSING = (errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOENT)


def fail_reading(monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> None:
    """Let the `number`-th read of recordings' files fail, counted from now."""
    count = 0
    take = RecordingFile.take

    def fail(file: RecordingFile, size: int) -> bytes:
        nonlocal count
        count += 1
        if count == number:
            raise OSError(code, os.strerror(code))
        return take(file, size)

    monkeypatch.setattr(RecordingFile, "take", fail)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, clips: Any) -> dict[str, Path]:
    """Recordings of 60 frames and of some 200 KB, by kind."""
    folder = tmp_path_factory.mktemp("recordings")
    kinds = {
        "a.mp4": {},
        "a.mkv": {},
        "a.ts": {},
        "a.avi": {"codec": "mjpeg", "bframes": None},
        "a.flv": {"bframes": 0},
    }
    kinds |= {"a.mpg": {"codec": "mpeg2video"}}
    made = {}
    for name, options in kinds.items():
        options = {"pix_fmt": "yuvj420p"} | options if options.get("codec") == "mjpeg" else options
        made[name] = clips.encode(folder / name, frames=60, options={"crf": "1", "qscale": "2"}, **options)
    (folder / "images").mkdir()
    for number in range(60):
        cv2.imwrite(str(folder / f"images/{number}.png"), clips.draw(number))
    return made | {"images": folder / "images"}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.flv", "a.mpg", "images"])
@pytest.mark.parametrize("code", PASSING, ids=errno.errorcode.get)
def test_an_error_of_the_system_is_raised_wherever_it_comes(
    name: str, code: int, recordings: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recordings[name]
    whole = index_video(path)
    assert (whole.frames, whole.problems) == (60, index_video(path).problems)
    for number in (1, 2, 3, 5, 8, 13):
        for act in (index_video, estimate_frames, lambda _: list(open_video(whole, threads=2).read(0, 60))):
            with monkeypatch.context() as patch:
                fail_reading(patch, number, code)
                try:
                    found = act(path)
                except ReadError as error:
                    assert error.errno == code and path.name in str(error.filename)
                    continue
            if act is index_video and code in (errno.EACCES, errno.ENOENT) and name == "images":
                continue  # images that may not be read are passed over, and named
            assert found == whole or found == 60 or all(image is not None for _, image in found)


def test_a_failing_disk_ends_every_reader(case: Callable[[str], Path]) -> None:
    folder = case("transient_read_error")
    said = bash(
        """gcc -shared -fPIC -o shim.so shim.c; python make.py
        for f in "a.mp4 4 4" "a.mkv 2 2" "a.ts 3 18"; do set -- $f
          LD_PRELOAD=$PWD/shim.so EIO_NAME=$1 EIO_FROM=$2 EIO_TO=$3 poseflow index $1 -o $1.json 2>&1 | tail -1
        done
        for f in "a.mp4 4 4" "a.mkv 2 2" "a.h5 2 4" "folder 100 159"; do
          LD_PRELOAD=$PWD/shim.so python read.py $f
        done""",
        folder,
    )
    lines = said.splitlines()
    assert len(lines) == 7
    for name, line in zip(("a.mp4", "a.mkv", "a.ts", "a.mp4", "a.mkv", "a.h5", "folder"), lines, strict=True):
        assert "Input/output error" in line and name in line
    assert not list(folder.glob("*.json"))


def test_hdf5s_words_for_an_error_of_the_system_are_known() -> None:
    with pytest.raises(ReadError, match=r"Input/output error: 'a\.h5'"):
        raise_if_unread(
            OSError("Can't read (file read failed: errno = 5, error message = 'Input/output error')"), "a.h5"
        )
    raise_if_unread(OSError("Can't read data (wrong B-tree signature)"), "a.h5")


@pytest.mark.parametrize("name", ["a.mp4", "a.h5", "folder"])
def test_what_may_not_be_opened_is_quarantined(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.mkdir() if name == "folder" else path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))

    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(
        "poseflow.media.reading.os.scandir" if name == "folder" else "poseflow.media.reading.os.open", refuse
    )
    index = index_video(path)
    assert index.status == "quarantined"
    assert re.search(rf"{name} must be readable, got: Permission denied", str(index.reason))
    assert estimate_frames(path) == 0


def test_a_file_that_cannot_be_found_though_its_folder_lists_it_is_no_fact(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_video(clip)

    def lose(path: Any, *args: Any, **kwargs: Any) -> Any:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))

    monkeypatch.setattr("poseflow.media.reading.os.open", lose)
    for act in (index_video, estimate_frames, lambda _: open_video(index)):
        with pytest.raises(ReadError, match="No such file"):
            act(clip)


def test_nothing_waits_for_a_pipe_or_reads_a_device(tmp_path: Path, clips: Any) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.mp4"))
    (tmp_path / "device.mp4").symlink_to("/dev/zero")
    for name, kind in {"pipe": "a pipe", "socket": "a socket", "device": "a device"}.items():
        index = index_video(tmp_path / f"{name}.mp4")
        assert index.status == "quarantined"
        assert f"must be a regular file, got {kind}" in str(index.reason)
        assert estimate_frames(tmp_path / f"{name}.mp4") == 0
        assert read_image(tmp_path / f"{name}.mp4", 1) is None
    folder = tmp_path / "images"
    folder.mkdir()
    cv2.imwrite(str(folder / "0.png"), clips.draw(0))
    os.mkfifo(folder / "1.png")
    index = index_video(folder)
    assert index.problems == ("1 of 2 images cannot be opened, the first of them 1.png is no regular file",)
    with open_video(index) as video:
        assert [clips.number(image) for _, image in video.read(0, 2)] == [0, None]
    (folder / "metadata.yaml").unlink(missing_ok=True)
    os.mkfifo(folder / "metadata.yaml")
    assert index_video(folder).frames == 2


def test_an_end_before_the_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stale page of a network file system: nothing comes, and nothing fails."""
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(100))
    monkeypatch.setattr(RecordingFile, "take", lambda file, size: b"")
    with RecordingFile(path) as file, pytest.raises(ReadError, match="ends before its end"):
        file.read(10)


def test_hdf5_is_told_by_its_signature(tmp_path: Path) -> None:
    signature = b"\x89HDF\r\n\x1a\n"
    for place, expected in ((0, True), (512, True), (4096, True), (700, False)):
        (tmp_path / "a").write_bytes(bytes(place) + signature + bytes(3000))
        assert is_hdf5(tmp_path / "a") == expected


@pytest.mark.slow
def test_a_recording_that_grows_while_it_is_indexed_is_not_called_cut_off(
    tmp_path: Path, clips: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = clips.encode(tmp_path / "whole.avi", "mjpeg", frames=60, bframes=None, pix_fmt="yuvj420p").read_bytes()
    path = tmp_path / "a.avi"
    path.write_bytes(whole[: len(whole) // 2])
    from poseflow.media import scan

    describe = scan._describe

    def grow(*args: Any) -> Any:
        path.write_bytes(whole)
        return describe(*args)

    assert "is cut off" in " ".join(index_video(path).problems)
    monkeypatch.setattr(scan, "_describe", grow)
    with pytest.raises((ReadError, VideoError), match="another when it was read again"):
        index_video(path)
