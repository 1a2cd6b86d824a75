"""HDF5 recordings from anywhere: data that lie elsewhere, promises without data, frame rates as people write them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from shell import bash

from poseflow.media import estimate_frames, index_video, open_video
from poseflow.media.hdf5_links import find_outside

IMAGES = np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5)


def link_to(path: Path) -> Callable[[h5py.File], None]:
    return lambda file: file.__setitem__("images", h5py.ExternalLink(str(path), "images"))


def make_virtual(source: str) -> Callable[[h5py.File], None]:
    def write(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=IMAGES.shape, dtype=np.uint8)
        layout[:] = h5py.VirtualSource(source, "other", shape=IMAGES.shape, dtype=np.uint8)
        file.create_virtual_dataset("images", layout)

    return write


def soft_link_out(path: Path) -> Callable[[h5py.File], None]:
    def write(file: h5py.File) -> None:
        file["out"] = h5py.ExternalLink(str(path), "/")
        file["images"] = h5py.SoftLink("/out/images")

    return write


def virtual_by_way_of_a_link(path: Path) -> Callable[[h5py.File], None]:
    def write(file: h5py.File) -> None:
        link_to(path)(file)
        file.move("images", "other")
        make_virtual(".")(file)

    return write


def external_raw(path: Path) -> Callable[[h5py.File], None]:
    return lambda file: file.create_dataset("images", IMAGES.shape, "u1", external=[(str(path), 0, IMAGES.size)])


@pytest.mark.parametrize(
    "leave", [link_to, soft_link_out, virtual_by_way_of_a_link, external_raw, lambda path: make_virtual(str(path))]
)
def test_data_in_other_files_are_refused(leave: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["images"] = secret["other"] = IMAGES
    with h5py.File(tmp_path / "a.h5", "w") as file:
        leave(tmp_path / "secret.h5")(file)
    index = index_video(tmp_path / "a.h5")
    assert "must lie in the file itself, got" in str(index.reason)
    assert estimate_frames(tmp_path / "a.h5") == 0


def test_links_to_a_pipe_or_in_a_circle_are_waited_for_by_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        link_to(tmp_path / "pipe.h5")(file)
        file["round"] = h5py.SoftLink("/circle")
        file["circle"] = h5py.SoftLink("/round")
    assert "got a link to" in str(index_video(tmp_path / "a.h5").reason)
    assert "must hold a dataset" in str(index_video(tmp_path / "a.h5", "round").reason)


def test_the_case_of_an_external_raw_file(case: Callable[[str], Path]) -> None:
    folder = case("hdf5_external_raw_file")
    bash("python make.py", folder)
    index = index_video(folder / "ext.h5")
    assert (index.status, index.frames) == ("quarantined", 0)
    assert "must lie in the file itself" in str(index.reason)


def test_links_and_virtual_data_within_the_file_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["other"] = IMAGES
        make_virtual(".")(file)
        file["group/linked"] = h5py.SoftLink("/images")
    for name in ("images", "group/linked", "/group/linked"):
        with open_video(index_video(tmp_path / "a.h5", name)) as video:
            np.testing.assert_array_equal([image[..., 0] for _, image in video.read(0, 6)], IMAGES)


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_what_matlab_saved_is_upright(channels: int | None, tmp_path: Path, clips: Any) -> None:
    images = np.stack([clips.draw(number) for number in range(5)])
    if channels is not None:
        images = np.repeat(images[..., None], channels, axis=-1)
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        dataset = file.create_dataset(
            "images", data=images.swapaxes(1, -1), chunks=(1, *images.swapaxes(1, -1).shape[1:])
        )
        dataset.attrs["MATLAB_class"] = np.bytes_("uint8")
    index = index_video(tmp_path / "a.mat")
    assert (index.frames, index.width, index.height, index.channels) == (5, *clips.size, channels or 1)
    with open_video(index) as video:
        assert [clips.number(image) for _, image in video.read(0, 5)] == list(range(5))


def test_a_group_of_the_datasets_name_is_told_from_a_dataset(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images/cam1"] = file["other"] = np.zeros((3, 8, 8), np.uint8)
        file["out"] = h5py.ExternalLink("b.h5", "x")
    assert index_video(tmp_path / "a.h5").reason == "file must hold a dataset 'images', got images/, other, out"
    assert index_video(tmp_path / "a.h5", "images/cam1").frames == 3


def test_what_was_never_written_is_not_read_as_black(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("images", (10**9, 4, 5), "u1", chunks=(2, 4, 5), maxshape=(None, 4, 5))
        dataset.resize(10**6, axis=0)
        dataset[:6] = IMAGES + 1
        dataset[8:10] = 1
    index = index_video(tmp_path / "a.h5")
    assert (index.frames, estimate_frames(tmp_path / "a.h5")) == (10, 10)
    assert index.problems == (
        "is cut off: 1000000 frames are declared, 10 were written",
        "2 frames were never written, the first of them 6",
    )
    with open_video(index) as video:
        assert [image is None for _, image in video.read(0, 10)] == [False] * 6 + [True] * 2 + [False] * 2


@pytest.mark.parametrize(
    ("shape", "chunks", "reason"),
    [
        ((10**11, 4, 5), (2, 4, 5), "at most 268435456 frames"),
        ((1000, 4, 5), (2, 4, 5), "never written"),
        ((1000, 4, 5), None, "never written"),
        ((2, 20_000, 20_000), (1, 100, 100), "at most 134217728 pixels"),
        ((10**6, 60, 60), (10**6, 60, 60), "chunks of at most"),
    ],
)
def test_promises_without_data_are_refused(shape: Any, chunks: Any, reason: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", shape, "u1", chunks=chunks, compression="gzip" if chunks else None)
    assert reason in str(index_video(tmp_path / "a.h5").reason)
    assert estimate_frames(tmp_path / "a.h5") == 0


@pytest.mark.parametrize(
    ("value", "fps"),
    [
        (25, 25),
        (np.array([[25.0]]), 25),
        (np.array([30], np.uint16), 30),
        ("12.5", 12.5),
        (b"12.5", 12.5),
        (np.inf, None),
        (np.nan, None),
        (-25, None),
        (0, None),
        (1e300, None),
        (1e-300, None),
        ("fast", None),
        (np.array([25.0, 30.0]), None),
        (np.array([], float), None),
        (np.True_, None),
        (np.complex128(25 + 1j), None),
    ],
    ids=repr,
)
def test_a_frame_rate_is_a_number_or_a_problem(value: Any, fps: float | None, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = IMAGES
        file["images"].attrs["fps"] = value
    index = index_video(tmp_path / "a.h5")
    assert (index.frames, index.fps) == (6, fps)
    if fps is None:
        assert "its attribute fps must be a number of frames per second, got" in index.problems[0]
        assert np.isnan(index.time_s()).all()
    else:
        assert index.problems == ()
        np.testing.assert_allclose(index.time_s(), np.arange(6) / fps)


def test_the_case_of_an_infinite_rate(case: Callable[[str], Path]) -> None:
    path = case("hdf5_fps_infinite") / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=np.zeros((5, 20, 30), "u1")).attrs["fps"] = np.inf
    index = index_video(path)
    assert (index.frames, index.fps, len(index.problems)) == (5, None, 1)


def test_a_dataset_that_cannot_be_unpacked_here_is_quarantined(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((1, 4, 5))
        settings.set_filter(32004, h5py.h5z.FLAG_OPTIONAL)  # LZ4
        space = h5py.h5s.create_simple((6, 4, 5))
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, space, settings))
        dataset.id.write_direct_chunk((0, 0, 0), bytes(20), 0)
    assert "must be packed with a filter that is here, got" in str(index_video(tmp_path / "a.h5").reason)


@pytest.mark.parametrize(
    "leave", [link_to, soft_link_out, virtual_by_way_of_a_link, external_raw, lambda path: make_virtual(str(path))]
)
def test_what_leads_out_of_a_file_is_found_wherever_it_lies(leave: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["images"] = secret["other"] = IMAGES
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["deep/in/it"] = IMAGES
        file["deep/round"] = file["deep"]
        assert find_outside(file) is None
        leave(tmp_path / "secret.h5")(file)
        assert find_outside(file) is not None
