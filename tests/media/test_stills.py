"""Image folders and HDF5 datasets are recordings like any other."""

import re
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest

from poseflow.core.errors import VideoError
from poseflow.media import estimate_frames, index_video, open_video, read_image


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".JPG"])
def test_a_folder_of_images_is_read_in_natural_order(suffix: str, tmp_path: Path, clips: Any) -> None:
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"frame_{number}{suffix}"), clips.draw(number))
    (tmp_path / "notes.txt").touch()
    index = index_video(tmp_path)
    assert (index.kind, index.frames, index.width, index.height, index.channels) == ("image_folder", 12, 96, 48, 1)
    assert (estimate_frames(tmp_path), index.fps) == (12, None)
    assert np.isnan(index.time_s()).all()
    with open_video(index) as video:
        assert [clips.number(image) for _, image in video.read(0, 12)] == list(range(12))
        scattered = dict(video.read_frames([11, 3], channels=3))
    assert {idx: image.shape for idx, image in scattered.items() if image is not None} == {
        3: (48, 96, 3),
        11: (48, 96, 3),
    }


@pytest.mark.parametrize(
    "names",
    [
        ["IMG_0.PNG", "img_1.png", "IMG_2.PNG", "img_10.png"],
        ["1700000000.0.png", "1700000000.25.png", "1700000000.5.png", "1700000001.0.png"],
        ["-2.png", "-1.png", "0.png", "1.png"],
        ["1.1.png", "1.2.png", "1.9.png", "1.10.png"],
    ],
)
def test_images_follow_one_another_as_a_person_counts(names: list[str], tmp_path: Path, clips: Any) -> None:
    for number, name in enumerate(names):
        cv2.imwrite(str(tmp_path / name), clips.draw(number))
    with open_video(index_video(tmp_path)) as video:
        assert [clips.number(image) for _, image in video.read(0, 4)] == [0, 1, 2, 3]


def test_what_is_odd_about_images_is_told(tmp_path: Path, clips: Any) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), clips.draw(0).astype(np.uint16) * 16)
    cv2.imwrite(str(tmp_path / "0.bmp"), clips.draw(0))
    cv2.imwrite(str(tmp_path / "1.png"), clips.draw(1))
    assert index_video(tmp_path).problems == ("1 images are there twice, and each is a frame: 0.bmp and 0.png",)
    (tmp_path / "0.bmp").unlink()
    assert "16 bits, of which the upper 8 are kept: dark" in str(index_video(tmp_path).problems)
    cv2.imwrite(str(tmp_path / "0.png"), clips.draw(0).astype(np.uint16) * 257)
    assert index_video(tmp_path).problems == ()


def test_images_of_other_numbers_than_bytes_are_not_read_as_black(tmp_path: Path, clips: Any) -> None:
    cv2.imwrite(str(tmp_path / "0.tif"), clips.draw(0).astype(np.int16))
    assert "0.tif must be of 8 or 16 bits without a sign, got int16" in str(index_video(tmp_path).reason)


def test_colors_are_red_green_blue(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 0] = 200
    cv2.imwrite(str(tmp_path / "a.png"), image[..., ::-1])
    index = index_video(tmp_path)
    assert index.channels == 3
    with open_video(index) as video:
        np.testing.assert_array_equal(next(video.read(0, 1, channels=3))[1], image)
        grey = next(video.read(0, 1))[1]
    assert grey is not None
    assert abs(int(grey[0, 0, 0]) - int(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[0, 0])) <= 1


def test_a_damaged_image_or_one_of_another_size_is_none(tmp_path: Path, clips: Any) -> None:
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), clips.draw(number))
    (tmp_path / "1.png").write_bytes(b"")
    (tmp_path / "2.png").write_bytes((tmp_path / "3.png").read_bytes()[:40])
    cv2.imwrite(str(tmp_path / "4.png"), clips.draw(4)[:20])
    index = index_video(tmp_path)
    with open_video(index) as video:
        assert [clips.number(image) for _, image in video.read(0, 5)] == [0, None, None, 3, None]
    (tmp_path / "5.png").touch()
    with pytest.raises(VideoError, match="must hold 5 images as when it was indexed, got 6"):
        open_video(index)


def test_a_folder_of_damaged_images_is_quarantined(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"no image")
    assert index_video(tmp_path).reason == "folder must hold images that can be read, got 1 damaged"
    assert read_image(tmp_path / "1.png", 1) is None
    assert read_image(tmp_path / "2.png", 1) is None


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("chunks", [None, 1, 7])
def test_a_dataset_is_read(channels: int | None, chunks: int | None, tmp_path: Path, clips: Any) -> None:
    images = np.stack([clips.draw(number) for number in range(20)])
    if channels is not None:
        images = np.repeat(images[..., None], channels, axis=-1)
    path = tmp_path / "recording.h5"
    with h5py.File(path, "w") as file:
        layout = {} if chunks is None else {"chunks": (chunks, *images.shape[1:]), "compression": "gzip"}
        file.create_dataset("camera/left", data=images, **layout).attrs["fps"] = 12.5
    index = index_video(path, "camera/left")
    assert (index.kind, index.frames, index.channels, index.fps) == ("hdf5", 20, channels or 1, 12.5)
    assert estimate_frames(path, "camera/left") == 20
    np.testing.assert_allclose(index.time_s(), np.arange(20) / 12.5)
    with open_video(index) as video:
        assert [clips.number(image) for _, image in video.read(0, 20)] == list(range(20))
        assert [clips.number(image) for _, image in video.read(6, 9)] == [6, 7, 8]
        assert {idx: clips.number(image) for idx, image in video.read_frames([19, 0, 8], 3)} == {0: 0, 8: 8, 19: 19}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (np.zeros((4, 8, 8), np.float32), r"must be uint8 .* got float32 \(4, 8, 8\)"),
        (np.zeros((4, 3, 8, 8), np.uint8), r"must be uint8 of shape .* got uint8 \(4, 3, 8, 8\)"),
        (np.zeros((0, 8, 8), np.uint8), r"got uint8 \(0, 8, 8\)"),
        (None, "must hold a dataset 'images', got other"),
    ],
    ids=["type", "shape", "empty", "missing"],
)
def test_another_dataset_is_quarantined(data: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("other" if data is None else "images", data=[1] if data is None else data)
    index = index_video(path)
    assert index.status == "quarantined"
    assert re.search(reason, str(index.reason))


def test_damaged_chunks_are_none_and_the_rest_goes_on(tmp_path: Path, clips: Any) -> None:
    path = tmp_path / "recording.h5"
    images = np.stack([clips.draw(number) for number in range(12)])
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, chunks=(4, 48, 96), compression="gzip")
        chunk = file["images"].id.get_chunk_info(1)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + 200] = bytes(200)
    path.write_bytes(content)
    with open_video(index_video(path)) as video:
        numbers = [clips.number(image) for _, image in video.read(0, 12)]
    assert numbers == [0, 1, 2, 3, None, None, None, None, 8, 9, 10, 11]


def test_a_truncated_hdf5_file_is_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "recording.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=np.zeros((50, 64, 64), np.uint8))
    path.write_bytes(path.read_bytes()[:3000])
    index = index_video(path)
    assert (index.kind, index.status, estimate_frames(path)) == ("hdf5", "quarantined", 0)
    assert "must be a readable HDF5 file" in str(index.reason)
