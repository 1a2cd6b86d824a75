"""Stores of loopbio's Motif, written here by hand after the published format."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import cv2
import numpy as np
import pytest
import yaml

from poseflow.core.errors import VideoError
from poseflow.media import estimate_frames, index_video, open_video, write_video

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
CHUNK = 10


def write_store(folder: Path, clips: Any, store_format: str, frames: int = 25) -> Path:
    """A store of numbered frames, 20 frames/s, ten to a chunk; after frame 14, half a second is missing."""
    folder.mkdir()
    is_video = "/" in store_format
    store: dict[str, Any] = {
        "chunksize": CHUNK,
        "class": "VideoImgStore" if is_video else "DirectoryImgStore",
        "created_utc": START.replace(tzinfo=None).isoformat(),
        "encoding": None,
        "format": store_format,
        "imgdtype": "uint8",
        "imgshape": [48, 96],
        "timezone_local": "Europe/Vienna",
        "uuid": "0" * 32,
        "version": 2,
    }
    if is_video:
        store["extension"] = "." + store_format.split("/")[1]
    (folder / "metadata.yaml").write_text(yaml.safe_dump({"__store": store, "experiment": "gerbils"}))
    for chunk in range(-(-frames // CHUNK)):
        numbers = np.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, frames))
        times = START.timestamp() + numbers * 0.05 + (numbers > 14) * 0.5
        listed = {"frame_number": numbers + (numbers > 14) * 10, "frame_time": times}
        if is_video:
            write_video(folder / f"{chunk:06d}{store['extension']}", map(clips.draw, numbers), 20, crf=10)
            np.savez(folder / f"{chunk:06d}.npz", **listed, uuid=np.array("0" * 32, dtype=object))
            continue
        (folder / f"{chunk:06d}").mkdir()
        for place, number in enumerate(numbers):
            path = folder / f"{chunk:06d}" / f"{place:06d}.{store_format}"
            np.save(path, clips.draw(number)) if store_format == "npy" else cv2.imwrite(str(path), clips.draw(number))
        index = {key: values.tolist() for key, values in listed.items()}
        (folder / f"{chunk:06d}" / "index.yaml").write_text(yaml.safe_dump(index))
    return folder


@pytest.mark.parametrize("store_format", ["avc1/mp4", "h264/mkv", "png", "npy"])
def test_a_store_is_read_across_its_chunks(store_format: str, tmp_path: Path, clips: Any) -> None:
    folder = write_store(tmp_path / "cam.imgstore", clips, store_format)
    index = index_video(folder)
    assert (index.kind, index.status, index.frames, index.problems) == ("imgstore", "ok", 25, ())
    assert (index.width, index.height, index.recorded_at) == (96, 48, START)
    assert (index.variable_fps, index.fps) == (True, pytest.approx(20))
    assert estimate_frames(folder) == 25
    numbers = np.arange(25)
    np.testing.assert_allclose(index.time_s(), numbers * 0.05 + (numbers > 14) * 0.5, atol=1e-6)
    with open_video(index, threads=2) as video:
        assert [clips.number(image) for _, image in video.read(0, 25)] == list(range(25))
        assert [clips.number(image) for _, image in video.read(8, 22)] == list(range(8, 22))
        colors = dict(video.read_frames([24, 3, 10], channels=3))
    assert list(colors) == [3, 10, 24]
    assert all(image is not None and image.shape == (48, 96, 3) for image in colors.values())


def test_damage_in_a_chunk_stays_there(tmp_path: Path, clips: Any) -> None:
    folder = write_store(tmp_path / "cam.imgstore", clips, "avc1/mp4")
    (folder / "000001.mp4").write_bytes(b"")
    index = index_video(folder)
    assert index.frames == 25
    assert index.problems == ("chunk 000001.mp4: file must not be empty, got 0 bytes",)
    with open_video(index) as video:
        numbers = [clips.number(image) for _, image in video.read(0, 25)]
    assert numbers == [*range(10), *[None] * 10, *range(20, 25)]


def test_frames_that_only_the_index_has_are_none(tmp_path: Path, clips: Any) -> None:
    folder = write_store(tmp_path / "cam.imgstore", clips, "avc1/mp4")
    write_video(folder / "000000.mp4", map(clips.draw, range(8)), 20)
    index = index_video(folder)
    assert index.problems == ("chunk 000000.mp4 must hold 10 frames, got 8",)
    with open_video(index) as video:
        assert [clips.number(image) for _, image in video.read(6, 12)] == [6, 7, None, None, 10, 11]


def test_images_that_no_index_lists_are_told(tmp_path: Path, clips: Any) -> None:
    """The recorder died before it wrote them down, say."""
    folder = write_store(tmp_path / "cam.imgstore", clips, "png")
    for number in (10, 11):
        cv2.imwrite(str(folder / f"000001/{number:06d}.png"), clips.draw(number))
    (folder / "000000/000009.png").unlink()
    problems = index_video(folder).problems
    assert problems == ("chunk 000000 must hold 10 frames, got 9", "chunk 000001 must hold 10 frames, got 12")


@pytest.mark.parametrize(("gone", "told"), [("000001.*", 1), ("000001.mkv", 1), ("00000[12].mkv", 2)])
def test_chunks_that_are_not_there_are_told(gone: str, told: int, tmp_path: Path, clips: Any) -> None:
    folder = write_store(tmp_path / "cam.imgstore", clips, "h264/mkv")
    for path in folder.glob(gone):
        path.unlink()
    index = index_video(folder)
    assert (index.frames, index.problems) == (
        10 if told == 2 else 15,
        (f"{told} chunks are not there, the first of them 000001",),
    )


def test_a_chunk_without_an_index_is_left_out(tmp_path: Path, clips: Any) -> None:
    """As the store's own library does; it happens to the last chunk when the recorder dies."""
    folder = write_store(tmp_path / "cam.imgstore", clips, "h264/mkv")
    (folder / "000002.npz").unlink()
    (folder / "000001.npz").write_bytes(b"PK damaged")
    index = index_video(folder)
    assert index.frames == 10
    assert [problem[:18] for problem in index.problems] == ["chunk 000001.mkv h", "chunk 000002.mkv h"]
    write_store(tmp_path / "other.imgstore", clips, "h264/mkv", frames=10).joinpath("metadata.yaml").rename(
        folder / "metadata.yaml"
    )
    (folder / "000000.npz").unlink()
    with pytest.raises(VideoError, match="must hold 10 frames as when it was indexed"):
        open_video(index)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encoding": "cv_bayerBG"}, "not Bayer-encoded"),
        ({"imgdtype": "uint16"}, "got uint16"),
        ({"imgshape": None}, "metadata.yaml must describe an imgstore"),
    ],
    ids=["bayer", "deep", "broken"],
)
def test_a_store_of_another_make_is_quarantined(
    change: dict[str, Any], reason: str, tmp_path: Path, clips: Any
) -> None:
    folder = write_store(tmp_path / "cam.imgstore", clips, "png", frames=3)
    metadata = yaml.safe_load((folder / "metadata.yaml").read_text())
    metadata["__store"].update(change)
    (folder / "metadata.yaml").write_text(yaml.safe_dump(metadata))
    index = index_video(folder)
    assert (index.kind, index.status, estimate_frames(folder)) == ("imgstore", "quarantined", 0)
    assert reason in str(index.reason)


def bomb_of_merges() -> str:
    lines = ["a0: &a0 {x: 1, y: 2, z: 3}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 20)}], k{n}: 1}}" for n in range(1, 20)]
    return "\n".join(lines)


def bomb_of_lists(levels: int = 20) -> str:
    lines = ["b0: &b0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        f"{bomb_of_merges()}\n__store:\n  format: png\n",
        f"{bomb_of_lists()}\n__store:\n  {{class: DirectoryImgStore, format: png, imgdtype: *b19, imgshape: [4, 4]}}\n",
        f"{bomb_of_lists()}\n__store:\n"
        "  {class: DirectoryImgStore, format: *b19, imgdtype: uint8, imgshape: [4, 4]}\n",
        f"{bomb_of_lists()}\n__store:\n"
        "  {class: DirectoryImgStore, format: png, imgdtype: uint8, imgshape: [4, 4], encoding: *b19}\n",
        f"{bomb_of_lists()}\n__store:\n  {{class: DirectoryImgStore, format: png, imgdtype: uint8, imgshape: *b19}}\n",
        "__store: " + "[" * 100_000,
        "__store:\n  !!python/object/apply:os.system [exit 1]\n",
        "__store: {class: DirectoryImgStore, format: png, imgdtype: uint8, imgshape: [1000000, 1000000]}\n",
        "__store: {class: DirectoryImgStore, format: png/../../x, imgdtype: uint8, imgshape: [4, 4]}\n",
        "__store: {class: DirectoryImgStore, format: /etc/x, imgdtype: uint8, imgshape: [4, 4]}\n",
    ],
    ids=["merges", "dtype", "format", "encoding", "shape", "deep", "code", "pixels", "up", "root"],
)
def test_bombs_in_a_stores_metadata_are_quarantined(text: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.yaml").write_text(text)
    index = index_video(tmp_path)
    assert (index.kind, index.status, estimate_frames(tmp_path)) == ("imgstore", "quarantined", 0)
    assert len(str(index.reason)) < 600


@pytest.mark.parametrize("bomb", ["rows", "zeros", "times", "lists"])
def test_bombs_in_a_chunks_index_leave_it_out(bomb: str, tmp_path: Path, clips: Any) -> None:
    folder = write_store(tmp_path / "cam.imgstore", clips, "png")
    place = folder / "000001/index.yaml"
    if bomb == "times":
        place.write_text("frame_time: [.nan, .inf, 1.0e+300]\n")
    elif bomb == "lists":
        place.write_text(f"{bomb_of_lists(9)}\nframe_time: *b8\n")
    else:
        place.unlink()
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**11,)}
        with (
            ZipFile(place.with_suffix(".npz"), "w", ZIP_DEFLATED) as packed,
            packed.open("frame_time.npy", "w") as file,
        ):
            np.lib.format.write_array_header_2_0(file, header)
            for _ in range(50 if bomb == "zeros" else 0):
                file.write(bytes(2**20))
    index = index_video(folder)
    assert (index.frames, estimate_frames(folder)) == (15, 15)
    assert index.problems == ("chunk 000001 has no index that can be read, and is left out",)


def test_an_array_that_promises_more_than_it_holds_is_damaged(tmp_path: Path, clips: Any) -> None:
    folder = write_store(tmp_path / "cam.imgstore", clips, "npy", frames=5)
    with (folder / "000000/000002.npy").open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**6)})
    with open_video(index_video(folder)) as video:
        assert [clips.number(image) for _, image in video.read(0, 5)] == [0, 1, None, 3, 4]
