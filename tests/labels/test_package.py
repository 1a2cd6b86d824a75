"""Portable packages: exact images, labels that survive the round trip, and files that SLEAP can open."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import sleap_io as sio

from poseflow.config import LabelsConfig
from poseflow.core.errors import LabelsError
from poseflow.labels import read_labels, read_package, write_package
from poseflow.media import index_video, open_video

NODES = ("nose", "body", "tail")


def frames_of(path: Path, frame_inds: list[int], channels: int) -> dict[int, np.ndarray]:
    """What prediction sees."""
    with open_video(index_video(path)) as video:
        return dict(video.read_frames(frame_inds, channels))


@pytest.fixture
def written(tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable) -> Callable:
    """Write a package of three frames of a color video with two animals."""

    def write(channels: int) -> tuple[Path, Path]:
        video = make_video("clip ü.mp4", channels=3)
        hidden = animal(30)
        hidden[1] = np.nan
        frames = {29: [animal(5)], 3: [animal(10), hidden], 11: [animal(1), animal(20)]}
        slp = make_labels("a.slp", video, frames, tracks=("m", "f"), edges=[("nose", "body")])
        write_package(read_labels([slp], LabelsConfig()), tmp_path / "out" / "train.pkg.slp", channels)
        return tmp_path / "out" / "train.pkg.slp", video

    return write


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_those_that_prediction_sees(written: Callable, channels: int) -> None:
    path, video = written(channels)
    package = read_package(path)
    for wanted in {1, channels}:
        expected = frames_of(video, [3, 11, 29], wanted)
        for i, frame in enumerate(package.frames):
            np.testing.assert_array_equal(package.image(i, wanted), expected[frame.frame_idx])


@pytest.mark.slow
def test_labels_survive(written: Callable, animal: Callable) -> None:
    package = read_package(written(1)[0])
    assert package.skeleton.nodes == NODES
    assert package.skeleton.edges == ((0, 1),)
    assert package.identities == ("m", "f")
    assert [(frame.video, frame.frame_idx) for frame in package.frames] == [("clip ü.mp4", n) for n in (3, 11, 29)]
    assert [frame.identities for frame in package.frames] == [("m", "f"), ("m", "f"), ("m",)]
    points = package.frames[0].points
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points[0], animal(10).astype(np.float32))
    assert np.isnan(points[1, 1]).all() and np.isfinite(points[1, [0, 2]]).all()


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_sleap_io_opens_it_without_the_recording(written: Callable, channels: int) -> None:
    path, video = written(channels)
    expected = frames_of(video, [3, 11, 29], channels)
    video.unlink()
    labels = sio.load_slp(str(path))
    (embedded,) = labels.videos
    assert [frame.frame_idx for frame in labels.labeled_frames] == [3, 11, 29]
    assert Path(embedded.source_video.filename).name == "clip ü.mp4"
    assert embedded.source_video.shape[:3] == [30, 48, 64]
    assert len(labels.user_labeled_frames) == 3
    for frame in labels.labeled_frames:
        np.testing.assert_array_equal(frame.image, expected[frame.frame_idx])


@pytest.mark.slow
def test_sleap_io_restores_the_recording(written: Callable, tmp_path: Path) -> None:
    path, video = written(1)
    sio.save_slp(sio.load_slp(str(path)), str(tmp_path / "back.slp"), embed=False, verbose=False)
    back = sio.load_slp(str(tmp_path / "back.slp"), open_videos=False)
    assert Path(back.videos[0].filename) == video
    assert len(back.labeled_frames) == 3


@pytest.mark.slow
def test_what_sleap_io_saves_again_is_read(written: Callable, tmp_path: Path) -> None:
    path, video = written(3)
    sio.save_slp(sio.load_slp(str(path)), str(tmp_path / "gui.pkg.slp"), embed=None, verbose=False)
    package = read_package(tmp_path / "gui.pkg.slp")
    assert [frame.frame_idx for frame in package.frames] == [3, 11, 29]
    expected = frames_of(video, [3, 11, 29], 3)
    np.testing.assert_array_equal(package.image(1, 3), expected[11])
    np.testing.assert_array_equal(package.image(1, 1)[..., 0], cv2.cvtColor(expected[11], cv2.COLOR_RGB2GRAY))


@pytest.mark.slow
def test_a_grey_package_has_no_colors(written: Callable) -> None:
    package = read_package(written(1)[0])
    with pytest.raises(LabelsError, match="must have RGB images"):
        package.image(0, 3)


def test_an_empty_side_is_a_package_too(
    tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
) -> None:
    labels = read_labels([make_labels("a.slp", make_video("a.mp4"), {0: [animal()]}, tracks=("m",))], LabelsConfig())
    labels.labeled_frames = []
    write_package(labels, tmp_path / "test.pkg.slp")
    package = read_package(tmp_path / "test.pkg.slp")
    assert len(package) == 0
    assert package.skeleton.nodes == NODES
    assert package.identities == ()
    assert sio.load_slp(str(tmp_path / "test.pkg.slp")).skeleton.node_names == list(NODES)


def test_a_frame_marked_as_empty_is_kept(
    tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
) -> None:
    slp = make_labels("a.slp", make_video("a.mp4"), {0: [animal()], 4: []})
    labels = sio.load_slp(str(slp), open_videos=False)
    labels.labeled_frames[1].is_negative = True
    sio.save_slp(labels, str(slp), embed=False, verbose=False)
    write_package(read_labels([slp], LabelsConfig()), tmp_path / "p.pkg.slp")
    package = read_package(tmp_path / "p.pkg.slp")
    assert [frame.points.shape for frame in package.frames] == [(1, 3, 2), (0, 3, 2)]


@pytest.mark.slow
def test_several_videos_of_other_sizes(
    tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
) -> None:
    videos = [make_video(name, seed=seed) for seed, name in enumerate(("a.mp4", "b.mp4"))]
    files = [make_labels(f"{video.stem}.slp", video, {2: [animal(3)], 7: [animal()]}) for video in videos]
    write_package(read_labels(files, LabelsConfig()), tmp_path / "p.pkg.slp")
    package = read_package(tmp_path / "p.pkg.slp")
    assert [(frame.video, frame.frame_idx) for frame in package.frames] == [
        ("a.mp4", 2),
        ("a.mp4", 7),
        ("b.mp4", 2),
        ("b.mp4", 7),
    ]
    for i, frame in enumerate(package.frames):
        expected = frames_of(tmp_path / frame.video, [frame.frame_idx], 1)[frame.frame_idx]
        np.testing.assert_array_equal(package.image(i), expected)


@pytest.mark.slow
def test_the_same_labels_give_the_same_bytes(written: Callable, tmp_path: Path) -> None:
    first = written(1)[0].read_bytes()
    assert written(1)[0].read_bytes() == first


@pytest.mark.slow
def test_a_failed_write_leaves_the_old_file(written: Callable, tmp_path: Path) -> None:
    path, video = written(1)
    before = path.read_bytes()
    labels = read_labels([tmp_path / "a.slp"], LabelsConfig())
    labels.skeletons.clear()
    video.write_bytes(b"")
    with pytest.raises(Exception):  # noqa: B017
        write_package(labels, path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.slow
def test_threads_may_share_a_package(written: Callable) -> None:
    package = read_package(written(1)[0])
    expected = [package.image(i) for i in range(3)]
    wrong = []

    def look() -> None:
        for turn in range(60):
            if not np.array_equal(package.image(turn % 3), expected[turn % 3]):
                wrong.append(turn)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.slow
def test_identities_are_checked(tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
    video = make_video("a.mp4")
    slp = make_labels("a.slp", video, {0: [animal()]})
    write_package(read_labels([slp], LabelsConfig()), tmp_path / "p.pkg.slp")
    with pytest.raises(LabelsError, match="must name two animals or more by tracks for an ID model, got none"):
        read_package(tmp_path / "p.pkg.slp").check_identities()
    slp = make_labels("b.slp", video, {0: [animal(), animal(30)]}, tracks=("m", "m"))
    write_package(read_labels([slp], LabelsConfig()), tmp_path / "p.pkg.slp")
    with pytest.raises(LabelsError, match=r"got m, m in frame 0 of a\.mp4"):
        read_package(tmp_path / "p.pkg.slp").check_identities()


def test_a_file_without_images_is_no_package(make_video: Callable, make_labels: Callable, animal: Callable) -> None:
    slp = make_labels("a.slp", make_video("a.mp4"), {0: [animal()]})
    with pytest.raises(LabelsError, match="must have its images embedded"):
        read_package(slp)


@pytest.mark.parametrize(
    ("folder", "slp", "chosen", "channels"),
    [("courtship", "courtship_part1.slp", {*range(24), 700, 1999}, 1), ("robot", "small_robot_minimal.slp", None, 3)],
)
def test_real_recordings(
    real_data: Path, tmp_path: Path, folder: str, slp: str, chosen: set | None, channels: int
) -> None:
    labels = read_labels([real_data / folder / slp], LabelsConfig())
    labels.labeled_frames = [f for f in labels.labeled_frames if chosen is None or f.frame_idx in chosen]
    write_package(labels, tmp_path / "p.pkg.slp", channels)
    package = read_package(tmp_path / "p.pkg.slp")
    assert len(package) == len(labels.labeled_frames)
    expected = frames_of(next((real_data / folder).glob("*.mp4")), [f.frame_idx for f in package.frames], channels)
    reopened = sio.load_slp(str(tmp_path / "p.pkg.slp"))
    for i, frame in enumerate(package.frames):
        np.testing.assert_array_equal(package.image(i, channels), expected[frame.frame_idx])
        np.testing.assert_array_equal(reopened.labeled_frames[i].image, expected[frame.frame_idx])
        np.testing.assert_array_equal(frame.points, reopened.labeled_frames[i].numpy().astype(np.float32))


def test_deeplabcut_images(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "mouse_openfield" / "labeled-data" / "m4s1"
    labels = read_labels([folder / "CollectedData_Pranav.csv"], LabelsConfig())
    labels.labeled_frames = labels.labeled_frames[::10]
    write_package(labels, tmp_path / "p.pkg.slp", channels=3)
    package = read_package(tmp_path / "p.pkg.slp")
    assert package.skeleton.nodes == ("snout", "leftear", "rightear", "tailbase")
    assert [(frame.video, frame.frame_idx) for frame in package.frames] == [("m4s1", n) for n in range(0, 116, 10)]
    stored = cv2.imread(str(folder / "img0010.png"))[..., ::-1]
    np.testing.assert_array_equal(package.image(1, 3), stored)


@pytest.mark.slow
def test_a_frame_that_cannot_be_decoded_is_left_out(
    written: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    written(1)
    labels = read_labels([tmp_path / "a.slp"], LabelsConfig())

    def fail_at_11(video: object, frame_inds: list[int], channels: int) -> object:
        return ((n, None if n == 11 else np.zeros((48, 64, channels), np.uint8)) for n in sorted(frame_inds))

    monkeypatch.setattr("poseflow.labels.embed.read_images", fail_at_11)
    with caplog.at_level(logging.WARNING):
        write_package(labels, tmp_path / "p.pkg.slp")
    assert "frame 11 of clip ü.mp4 cannot be decoded" in caplog.text
    assert [frame.frame_idx for frame in read_package(tmp_path / "p.pkg.slp").frames] == [3, 29]
    with h5py.File(tmp_path / "p.pkg.slp") as file:
        assert file["video0/frame_numbers"][:].tolist() == [3, 29]
