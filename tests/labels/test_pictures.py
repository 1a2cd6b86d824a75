"""A label belongs to one picture: regression cases, and their kin."""

import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import sleap_io as sio

from poseflow.config import LabelsConfig
from poseflow.core.errors import AmbiguousVideoError, LabelsError, NoLabelsError, SkeletonError
from poseflow.exchange.predictions import describe_predictions_file
from poseflow.labels import describe_label_file, frame_key, read_labels, read_package, write_package, write_with_images
from poseflow.labels.check import check_label_file
from poseflow.labels.locate import locate_videos
from poseflow.labels.videos import VideoFinder
from poseflow.media import write_video


def read(*paths: Path, store: Path | None = None) -> sio.Labels:
    return read_labels(paths, LabelsConfig(video_folders=() if store is None else (str(store),)))


def first_x(labels: sio.Labels) -> dict[str, float]:
    """x of each frame's first node, by file and number."""
    found = {}
    for frame in labels.labeled_frames:
        files = frame.video.filename
        name = Path(files[frame.frame_idx] if isinstance(files, list) else files)
        number = frame_key(frame.video, frame.frame_idx).number
        found[f"{name.parent.name}/{name.name} {number}"] = float(frame.instances[0].numpy()[0, 0])
    return found


def test_a_video_of_another_size_than_it_was_labeled_in(make_video: Callable, tmp_path: Path) -> None:
    """Scaled down, say, under the same name: points would be elsewhere."""
    video = sio.Video(filename=str(make_video("a.mp4")))
    skeleton = sio.Skeleton(["nose"])
    instance = sio.Instance.from_numpy(np.ones((1, 2)), skeleton=skeleton)
    height, width = video.shape[1:3]
    frame = sio.LabeledFrame(video=video, frame_idx=0, instances=[instance])
    sio.save_file(sio.Labels([frame], [video], [skeleton]), str(tmp_path / "a.slp"), verbose=False)
    assert len(read(tmp_path / "a.slp").labeled_frames) == 1
    write_video(tmp_path / "a.mp4", (np.zeros((height // 2, width // 2, 3), np.uint8) for _ in range(30)), fps=25)
    said = rf"a\.slp: .*a\.mp4 must have the size .*, {width} x {height}, got {width // 2} x {height // 2}"
    with pytest.raises(LabelsError, match=said):
        read(tmp_path / "a.slp")


def test_a_damaged_picture_in_a_package_is_told(make_video: Callable, make_labels: Callable, animal: Callable) -> None:
    package = make_labels("a.slp", make_video("a.mp4"), {3: [animal()]}).with_name("b.pkg.slp")
    write_package(read(package.with_name("a.slp")), package)
    with h5py.File(package, "r+") as file:
        (name,) = [key for key in file if key.startswith("video") and key != "videos_json"]
        pictures, attributes = file[f"{name}/video"], dict(file[f"{name}/video"].attrs)
        content = [picture[:40] for picture in pictures[:]]
        del file[f"{name}/video"]
        file.create_dataset(f"{name}/video", data=np.array(content, np.int8)).attrs.update(attributes)
    (package.parent / "a.mp4").unlink()
    with pytest.raises(LabelsError, match=r"b\.pkg\.slp must hold a whole picture .* damaged one of frame 3 of a\.mp4"):
        read(package)


class TestImages:
    """Of DeepLabCut and COCO."""

    @pytest.mark.parametrize("name", ["dlc_image_missing_shifts_others", "dlc_image_missing_index_error"])
    def test_a_missing_image_leaves_the_others_their_labels(
        self, name: str, case: Callable[[str], Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        folder = case(name)
        try:
            labels = read(folder / "CollectedData.csv")
        except LabelsError as error:
            assert "CollectedData.csv" in str(error)
            assert "img001.png" in str(error)
            return
        there = {file.relative_to(folder / "labeled-data").as_posix() for file in folder.rglob("*.png")}
        table = [row.split(",") for row in (folder / "CollectedData.csv").read_text().splitlines()[3:]]
        right = {row[0].removeprefix("labeled-data/"): float(row[1]) for row in table if row[1]}
        found = {key.split()[0]: x for key, x in first_x(labels).items()}
        assert found == {image: x for image, x in right.items() if image in there}
        assert "CollectedData.csv" in caplog.text
        assert all(image in caplog.text for image in right if image not in there)

    def test_a_namesake_stands_for_no_missing_image(
        self, case: Callable[[str], Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        folder = case("coco_image_missing_namesake")
        try:
            assert first_x(read(folder / "coco.json")) == {"day1/000001.png 1": 1.0}
            message = caplog.text
        except LabelsError as error:
            message = str(error)
        assert "coco.json" in message

    def test_images_of_a_project_that_moved(
        self, tmp_path: Path, animal: Callable, caplog: pytest.LogCaptureFixture
    ) -> None:
        skeleton = sio.Skeleton(nodes=["a", "b", "c"])
        names = [f"D:\\lab\\{day}\\img{number}.png" for day in ("day1", "day2") for number in (3, 12)]
        metadata = {"type": "ImageVideo", "filename": names[0], "filenames": names}
        video = sio.Video(filename=names, open_backend=False, backend_metadata=metadata)
        frames = [
            sio.LabeledFrame(
                video=video, frame_idx=n, instances=[sio.Instance.from_numpy(animal(n + 1), skeleton=skeleton)]
            )
            for n in range(4)
        ]
        sio.save_slp(sio.Labels(labeled_frames=frames), str(tmp_path / "a.slp"), verbose=False)
        for place in ("day1/img3.png", "day1/img7.png", "day2/img12.png"):
            (tmp_path / "store" / place).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "store" / place), np.zeros((30, 40), np.uint8))
        labels = read(tmp_path / "a.slp", store=tmp_path / "store")
        assert first_x(labels) == {"day1/img3.png 3": 1.0, "day2/img12.png 12": 4.0}
        assert "a.slp: labels on 2 images that are not there are left out" in caplog.text
        assert "D:/lab/day1/img12.png" in caplog.text

    def test_images_beside_the_label_file(self, real_data: Path, tmp_path: Path) -> None:
        folder = real_data / "formats" / "image_video_slp"
        labels = read(folder / "small_robot_siv.slp")
        assert sorted(first_x(labels)) == [f"image_video_slp/robot{number}.jpg {number}" for number in range(3)]
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "robot1.jpg").symlink_to(folder / "robot1.jpg")
        with pytest.raises(
            AmbiguousVideoError, match=r"small_robot_siv\.slp: image robot0\.jpg must lie in one folder"
        ):
            read(folder / "small_robot_siv.slp", store=tmp_path / "other")


class TestRecordings:
    """Found by path, tail, content."""

    def test_day2_never_stands_for_day1(self, case: Callable[[str], Path]) -> None:
        folder = case("slp_two_videos_of_one_name")
        with pytest.raises(LabelsError, match=r"a\.slp: .* not found: /old/disk/day2/cam\.mp4$"):
            read(folder / "a.slp", store=folder / "store")

    def test_points_of_a_cropped_view_lie_in_the_whole_frame(self, case: Callable[[str], Path]) -> None:
        folder = case("slp_cropped_view")
        assert first_x(read(folder / "crop.slp", store=folder / "store")) == {"store/a.mp4 3": 42.0}
        labels = read_labels([folder / "crop.slp"], LabelsConfig(), with_videos=False)
        np.testing.assert_array_equal(labels.labeled_frames[0].instances[0].numpy()[0], [42, 28])

    def test_a_skeleton_that_nobody_uses_does_not_matter(self, case: Callable[[str], Path]) -> None:
        folder = case("slp_unused_skeleton_first")
        labels = read(folder / "empty_first.slp", store=folder / "store")
        assert labels.skeletons[0].node_names == ["nose", "body", "tail"]

    def test_a_recording_that_was_renamed_is_of_another_length(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        made = make_labels("a.slp", make_video("a.mp4", count=30), {0: [animal()]})
        labels = sio.load_slp(str(made), open_videos=False)
        labels.videos[0].backend_metadata.update(type="MediaVideo", shape=(30, 48, 64, 1), filename="/old/x/a.mp4")
        labels.videos[0].filename = "/old/x/a.mp4"
        (tmp_path / "in").mkdir()
        sio.save_slp(labels, str(tmp_path / "in" / "b.slp"), embed=False, verbose=False)
        make_video("store/y/a.mp4", count=20)
        with pytest.raises(LabelsError, match=r"not found: /old/x/a\.mp4"):
            read(tmp_path / "in" / "b.slp", store=tmp_path / "store")
        make_video("store/z/a.mp4", count=30)
        assert first_x(read(tmp_path / "in" / "b.slp", store=tmp_path / "store")) == {"z/a.mp4 0": 10.0}

    def test_a_name_alone_is_taken_with_a_warning(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable, caplog: Callable
    ) -> None:
        make_video("store/tuesday/Cam.mp4")
        slp = make_labels("labels/a.slp", "C:\\Users\\me\\monday\\cam.mp4", {0: [animal()]})
        read(slp, store=tmp_path / "store")
        assert "a.slp: " in caplog.text
        assert "is taken for C:/Users/me/monday/cam.mp4 by its name alone" in caplog.text

    def test_a_relative_path_that_means_two_files(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable, monkeypatch: Callable
    ) -> None:
        make_video("labels/a.mp4")
        make_video("here/a.mp4", seed=1)
        slp = make_labels("labels/a.slp", "a.mp4", {0: [animal()]})
        assert first_x(read(slp)) == {"labels/a.mp4 0": 10.0}
        monkeypatch.chdir(tmp_path / "here")
        with pytest.raises(AmbiguousVideoError, match=r"a\.slp: video a\.mp4 must be one recording, got several"):
            read(slp)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
    def test_somebody_elses_folder_is_no_place(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        (tmp_path / "theirs").mkdir(mode=0)
        make_video("labels/a.mp4")
        slp = make_labels("labels/a.slp", tmp_path / "theirs" / "a.mp4", {0: [animal()]})
        assert first_x(read(slp)) == {"labels/a.mp4 0": 10.0}

    def test_frames_that_a_recording_cannot_have(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        slp = make_labels("a.slp", make_video("a.mp4"), {3: [animal()]})
        labels = sio.load_slp(str(slp), open_videos=False)
        labels.labeled_frames[0].frame_idx = -2
        with pytest.raises(LabelsError, match=r"must be on frames 0 to 29, got frame -2"):
            locate_videos(labels, slp, VideoFinder(()))

    def test_frames_that_are_none_of_the_images(self, tmp_path: Path, make_labels: Callable, animal: Callable) -> None:
        labels = sio.load_slp(str(make_labels("a.slp", "a.mp4", {3: [animal()]})), open_videos=False)
        cv2.imwrite(str(tmp_path / "1.png"), np.zeros((20, 30), np.uint8))
        labels.replace_videos(new_videos=[sio.Video(filename=[str(tmp_path / "1.png")])])
        sio.save_slp(labels, str(tmp_path / "b.slp"), embed=False, verbose=False)
        with pytest.raises(LabelsError, match=r"b\.slp: labels of images must be on frames 0 to 0, got frame 3"):
            read(tmp_path / "b.slp")
        assert "frame 3 of" in check_label_file(tmp_path / "b.slp", VideoFinder(()))[1]


class TestPackages:
    """Embedded images and the recording that they were taken from."""

    def test_pictures_that_a_person_saw_win_over_the_video(
        self, case: Callable[[str], Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = case("labels_on_variable_rate")
        monkeypatch.syspath_prepend(folder.parent)
        from numbered import number

        write_package(read(folder / "v.pkg.slp", store=folder), folder / "x.pkg.slp")
        package = read_package(folder / "x.pkg.slp")
        seen = [(frame.frame_idx, number(package.image(i))) for i, frame in enumerate(package.frames)]
        assert seen == [(5, 5), (60, 62), (150, 159)]
        assert "in 2 of 3 labeled frames, first in 60" in caplog.text
        sys.modules.pop("numbered")

    def test_one_frame_beside_is_another_picture(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        video = make_video("a.mp4")
        slp = make_labels("a.slp", video, {4: [animal()], 9: [animal()]})
        write_package(read(slp), tmp_path / "p" / "a.pkg.slp")
        assert read(tmp_path / "p" / "a.pkg.slp").videos[0].filename == str(video)
        with h5py.File(tmp_path / "p" / "a.pkg.slp", "r+") as file:
            file["video0/frame_numbers"][1] = 10
            frames = file["frames"][:]
            frames["frame_idx"][1] = 10
            file["frames"][:] = frames
        assert read(tmp_path / "p" / "a.pkg.slp").videos[0].filename.endswith("a.pkg.slp")

    def test_nodes_are_matched_by_name(self, case: Callable[[str], Path]) -> None:
        package = read_package(case("package_nodes_in_another_order") / "b.pkg.slp")
        assert package.skeleton.nodes == ("nose", "body", "tail")
        for frame in package.frames:
            np.testing.assert_array_equal(frame.points, [[[10, 12], [15, 12], [20, 12]]])

    def test_a_track_that_nobody_has_is_no_identity(self, case: Callable[[str], Path]) -> None:
        assert read_package(case("package_unused_track") / "d.pkg.slp").identities == ("m", "f")

    def test_skeletons_of_other_nodes_are_named(
        self, case: Callable[[str], Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        path = case("package_skeletons_of_other_length") / "a.pkg.slp"
        with pytest.raises(SkeletonError, match=r"a\.pkg\.slp must .* with x; .* with nose, body, tail"):
            read_package(path)
        assert read(path).skeletons[0].node_names == ["nose", "body", "tail"]
        assert "no animal that counts has it: a skeleton with x" in caplog.text

    def test_a_package_that_lost_its_source(self, case: Callable[[str], Path]) -> None:
        folder = case("package_without_source_video")
        labels = read(folder / "ab.pkg.slp")
        keys = {frame_key(frame.video, frame.frame_idx) for frame in labels.labeled_frames}
        assert len(keys) == len(labels.labeled_frames) == 20
        write_package(labels, folder / "out.pkg.slp")
        package = read_package(folder / "out.pkg.slp")
        assert {package.image(i).shape[:2] for i in range(len(package))} == {(48, 64), (64, 96)}
        write_package(read(folder / "out.pkg.slp"), folder / "again.pkg.slp")
        again = read_package(folder / "again.pkg.slp")
        assert [(f.video, f.frame_idx) for f in again.frames] == [(f.video, f.frame_idx) for f in package.frames]

    def test_labels_saved_on_top_of_a_package(self, case: Callable[[str], Path]) -> None:
        folder = case("slp_saved_on_a_package")
        with pytest.raises(
            LabelsError, match=r"saved\.slp: .*video_folders.* not found: .*P02/a\.pkg\.slp, which holds"
        ):
            read(folder / "saved.slp")
        write_package(read(folder / "saved14.slp"), folder / "out.pkg.slp")
        package, original = read_package(folder / "out.pkg.slp"), read_package(folder / "a.pkg.slp")
        assert [(f.video, f.frame_idx) for f in package.frames] == [(f.video, f.frame_idx) for f in original.frames]
        for i in range(len(original)):
            np.testing.assert_array_equal(package.image(i), original.image(i))
        (folder / "a.pkg.slp").unlink()
        with pytest.raises(
            LabelsError, match=r"saved14\.slp: .* not found: .*P02e/a\.pkg\.slp, which holds the images"
        ):
            read(folder / "saved14.slp")


@pytest.mark.parametrize("kept", [(0, 2), (1, 2), (2,)])
def test_frames_of_a_part_of_a_project_keep_its_numbers_of_videos(
    kept: tuple[int, ...], make_video: Callable, make_labels: Callable, animal: Callable, tmp_path: Path
) -> None:
    """As old versions of SLEAP wrote packages: frames are of `video2` though two videos are listed."""
    files = [make_labels(f"{n}.slp", make_video(f"{n}.mp4", seed=n), {n: [animal(x=10 + n)]}) for n in range(3)]
    package = tmp_path / "part.pkg.slp"
    write_with_images(read_labels([files[number] for number in kept], LabelsConfig()), package, 1)
    with h5py.File(package, "r+") as file:
        for place, number in reversed([*enumerate(kept)]):
            if place != number:
                file.move(f"video{place}", f"video{number}")
        listed = [json.loads(text) for text in file["videos_json"]]
        for video, number in zip(listed, kept, strict=True):
            video["backend"]["dataset"] = f"video{number}/video"
        file["videos_json"][:] = [json.dumps(video) for video in listed]
        frames = file["frames"][:]
        frames["video"] = np.array(kept)[frames["video"]]
        file["frames"][:] = frames
    labels = read_labels([package], LabelsConfig())
    assert [Path(frame.video.filename).name for frame in labels.labeled_frames] == [f"{n}.mp4" for n in kept]
    assert [frame.instances[0].numpy()[0, 0] for frame in labels.labeled_frames] == [10 + n for n in kept]
    assert [Path(path).name for path in describe_label_file(package, False)["videos"]] == [f"{n}.mp4" for n in kept]
    videos = describe_predictions_file(package).videos
    assert [Path(str(video.recorded)).name for video in videos] == [f"{n}.mp4" for n in kept]


class TestPoints:
    """Labels against their images."""

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 1e6, -400.0])
    def test_a_point_that_is_nowhere_is_left_out(
        self, value: float, make_video: Callable, make_labels: Callable, animal: Callable, caplog: Callable
    ) -> None:
        wild = animal(20)
        wild[1, 0] = value
        labels = read(make_labels("a.slp", make_video("a.mp4"), {7: [wild, animal(30)], 9: [animal()]}))
        points = labels.labeled_frames[0].instances[0].numpy()
        assert np.isnan(points[1]).all()
        np.testing.assert_array_equal(points[[0, 2]], wild[[0, 2]])
        np.testing.assert_array_equal(labels.labeled_frames[0].instances[1].numpy(), animal(30))
        assert "a.slp: 1 points" in caplog.text
        assert f"body at ({value:g}, 12) in frame 7 of a.mp4" in caplog.text

    def test_a_file_of_which_no_point_is_in_its_image_has_no_labels(
        self, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        slp = make_labels("a.slp", make_video("a.mp4"), {7: [animal(x=2000)]})
        with pytest.raises(NoLabelsError, match=r"a\.slp must have labeled frames, got none with a point in its image"):
            read(slp)

    def test_a_point_at_infinity_reaches_no_dataset(
        self, case: Callable[[str], Path], make_labels: Callable, make_video: Callable, caplog: Callable
    ) -> None:
        case("label_point_infinite")  # head at (inf, 20) in frame 0
        points = {0: [np.array([[np.inf, 20], [20, 20]])], 1: [np.array([[10.0, 20], [20, 20]])]}
        slp = make_labels("a.slp", make_video("a.mp4"), points, nodes=("head", "tail"))
        write_package(read(slp), slp.parent / "a.pkg.slp")
        assert "head at (inf, 20) in frame 0 of a.mp4" in caplog.text
        assert not np.isinf([frame.points for frame in read_package(slp.parent / "a.pkg.slp").frames]).any()

    def test_a_guess_a_little_outside_stays(
        self, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        labels = read(make_labels("a.slp", make_video("a.mp4"), {0: [animal(56)]}))
        np.testing.assert_array_equal(labels.labeled_frames[0].instances[0].numpy(), animal(56))

    def test_what_is_left_out_is_counted(
        self, tmp_path: Path, make_video: Callable, animal: Callable, caplog: pytest.LogCaptureFixture
    ) -> None:
        skeleton, video = sio.Skeleton(nodes=["a", "b", "c"]), sio.Video(str(make_video("a.mp4")), open_backend=False)
        empty, half = np.full((3, 2), np.nan), animal(30)
        half[0, 1] = np.nan
        instances = [sio.Instance.from_numpy(points, skeleton=skeleton) for points in (animal(1), empty, half)]
        frames = [sio.LabeledFrame(video=video, frame_idx=4, instances=instances)]
        again = [sio.Instance.from_numpy(animal(x), skeleton=skeleton) for x in (1, 40)]
        frames.append(sio.LabeledFrame(video=video, frame_idx=4, instances=again))
        sio.save_slp(sio.Labels(labeled_frames=frames), str(tmp_path / "a.slp"), verbose=False)
        with caplog.at_level(logging.WARNING):
            (frame,) = read(tmp_path / "a.slp").labeled_frames
        assert [float(np.nanmin(i.numpy()[:, 0])) for i in frame.instances] == [1.0, 35.0, 40.0]
        assert "1 instances without points" in caplog.text
        assert "1 instances of frames that are listed twice" in caplog.text
