"""Reading label files: formats, merging, finding videos, and errors that name file, fault and expectation."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import sleap_io as sio

from poseflow.config import LabelsConfig
from poseflow.core.errors import LabelsError, NoLabelsError, SkeletonError
from poseflow.labels import (
    check_identities,
    find_label_files,
    find_labeled_frames,
    frame_key,
    labels_digest,
    read_labels,
    skeleton_of,
    write_package,
)
from poseflow.media import index_video

NODES = ("nose", "body", "tail")


def places(labels: sio.Labels) -> set[tuple[str, int]]:
    """Recording and number of each labeled frame."""
    keys = [frame_key(frame.video, frame.frame_idx) for frame in labels.labeled_frames]
    assert len(keys) == len(set(keys))
    return {(key.video, key.number) for key in keys}


def read(*paths: Path, **settings: object) -> sio.Labels:
    """Read files with some settings other than the default's."""
    return read_labels(paths, LabelsConfig.model_validate(settings))


class TestSleap:
    """`.slp` and `.pkg.slp`."""

    def test_one_file(self, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
        frames = {3: [animal(1), animal(20)], 7: [animal(5)]}
        labels = read(make_labels("a.slp", make_video("a.mp4"), frames, tracks=("m", "f"), edges=[("nose", "body")]))
        assert places(labels) == {("a.mp4", 3), ("a.mp4", 7)}
        assert skeleton_of(labels).nodes == NODES
        assert skeleton_of(labels).edges == ((0, 1),)
        np.testing.assert_array_equal(labels.labeled_frames[0].instances[1].numpy(), animal(20))
        assert check_identities(labels) == ("m", "f")

    def test_predictions_count_only_where_asked_for(
        self, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        path = make_labels("a.slp", make_video("a.mp4"), {3: [animal()]}, predicted=True)
        with pytest.raises(LabelsError, match=r"a\.slp must have labeled frames, got 1 predicted instance only"):
            read(path)
        labels = read(path, include_predictions=True)
        assert type(labels.labeled_frames[0].instances[0]) is sio.Instance

    def test_a_corrected_prediction_counts_once(self, tmp_path: Path, make_video: Callable, animal: Callable) -> None:
        skeleton, video = sio.Skeleton(nodes=list(NODES)), sio.Video(str(make_video("a.mp4")), open_backend=False)
        wrong = sio.PredictedInstance.from_numpy(animal(1), skeleton=skeleton)
        left = sio.PredictedInstance.from_numpy(animal(40), skeleton=skeleton)
        corrected = sio.Instance.from_numpy(animal(3), skeleton=skeleton, from_predicted=wrong)
        frame = sio.LabeledFrame(video=video, frame_idx=0, instances=[wrong, left, corrected])
        sio.save_slp(sio.Labels(labeled_frames=[frame]), str(tmp_path / "a.slp"), verbose=False)
        for include, expected in ((False, [3.0]), (True, [3.0, 40.0])):
            (frame,) = read(tmp_path / "a.slp", include_predictions=include).labeled_frames
            assert [instance.numpy()[0, 0] for instance in frame.instances] == expected

    def test_instances_without_points_are_dropped(
        self, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        nothing = np.full((3, 2), np.nan)
        labels = read(make_labels("a.slp", make_video("a.mp4"), {3: [nothing, animal()], 4: [nothing], 5: []}))
        assert places(labels) == {("a.mp4", 3)}
        assert len(labels.labeled_frames[0].instances) == 1

    def test_a_package_without_its_recording(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        video = make_video("a.mp4")
        labels = read(make_labels("a.slp", video, {3: [animal()], 29: [animal(7)]}))
        write_package(labels, tmp_path / "elsewhere" / "a.pkg.slp")
        video.unlink()
        assert places(read(tmp_path / "elsewhere" / "a.pkg.slp")) == {("a.mp4", 3), ("a.mp4", 29)}

    @pytest.mark.slow
    def test_a_package_beside_another_recording_of_the_name(
        self,
        tmp_path: Path,
        make_video: Callable,
        make_labels: Callable,
        animal: Callable,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        video = make_video("a.mp4")
        write_package(read(make_labels("a.slp", video, {3: [animal()]})), tmp_path / "a.pkg.slp")
        assert isinstance(read(tmp_path / "a.pkg.slp").videos[0].filename, str)
        assert Path(read(tmp_path / "a.pkg.slp").videos[0].filename) == video
        make_video("a.mp4", seed=5)
        with caplog.at_level(logging.WARNING):
            labels = read(tmp_path / "a.pkg.slp")
        assert "shows another picture than" in caplog.text
        assert labels.videos[0].filename.endswith("a.pkg.slp")


class TestOtherFormats:
    """DeepLabCut and COCO."""

    def test_deeplabcut(self, real_data: Path) -> None:
        folder = real_data / "mouse_openfield" / "labeled-data" / "m4s1"
        labels = read(folder / "CollectedData_Pranav.csv")
        assert places(labels) == {("m4s1", number) for number in range(116)}
        assert skeleton_of(labels).nodes == ("snout", "leftear", "rightear", "tailbase")
        first = labels.labeled_frames[0].instances[0].numpy()
        np.testing.assert_allclose(first[0], [21.521, 265.428])
        np.testing.assert_allclose(first[3], [87.11, 152.698])
        assert places(read(folder / "CollectedData_Pranav.h5")) == places(labels)

    def test_deeplabcut_with_a_missing_image(
        self, real_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        folder = shutil.copytree(
            real_data / "mouse_openfield" / "labeled-data", tmp_path / "labeled-data", copy_function=_link
        )
        (folder / "m4s1" / "img0007.png").unlink()
        left = {("m4s1", number) for number in range(116) if number != 7}
        assert places(read(folder / "m4s1" / "CollectedData_Pranav.csv")) == left
        assert "img0007.png" in caplog.text

    def test_deeplabcut_with_several_animals(self, tmp_path: Path) -> None:
        folder = tmp_path / "labeled-data" / "cage"
        folder.mkdir(parents=True)
        for number in (12, 40):
            cv2.imwrite(str(folder / f"img{number:04}.png"), np.zeros((20, 30), np.uint8))
        header = [
            ["scorer", "", ""] + ["me"] * 8,
            ["individuals", "", ""] + ["anna"] * 4 + ["bob"] * 4,
            ["bodyparts", "", ""] + ["tail", "tail", "nose", "nose"] * 2,
            ["coords", "", ""] + ["x", "y"] * 4,
        ]
        rows = [
            ["labeled-data", "cage", "img0012.png", *["1", "2", "3", "4", "5", "6", "7", "8"]],
            ["labeled-data", "cage", "img0040.png", *["1", "2", "3", "4"], "", "", "", ""],
        ]
        table = folder / "CollectedData_me.csv"
        table.write_text("\n".join(",".join(row) for row in header + rows))
        labels = read(table)
        assert places(labels) == {("cage", 12), ("cage", 40)}
        assert skeleton_of(labels).nodes == ("tail", "nose")
        assert check_identities(labels) == ("anna", "bob")
        both, one = labels.labeled_frames
        np.testing.assert_array_equal([i.numpy() for i in both.instances], [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
        assert len(one.instances) == 1

    def test_coco(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        for name in ("one/000007.png", "one/000009.png", "two/000007.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / name), np.zeros((20, 30), np.uint8))
        names = ["one/000009.png", "two/000007.png", "one/000007.png"]
        content = {
            "images": [{"id": i, "file_name": name, "width": 30, "height": 20} for i, name in enumerate(names)],
            "categories": [{"id": 1, "name": "fly", "keypoints": ["head", "tail"], "skeleton": [[1, 2]]}],
            "annotations": [
                {"id": 0, "image_id": 0, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 2]},
                {"id": 1, "image_id": 1, "category_id": 1, "keypoints": [5, 6, 2, 0, 0, 0]},
            ],
        }
        (tmp_path / "coco.json").write_text(json.dumps(content))
        labels = read(tmp_path / "coco.json")
        assert places(labels) == {("one", 9), ("two", 7)}
        assert skeleton_of(labels).edges == ((0, 1),)
        content["images"][1]["file_name"] = "two/lost.png"
        (tmp_path / "coco.json").write_text(json.dumps(content))
        assert places(read(tmp_path / "coco.json")) == {("one", 9)}
        assert "two/lost.png" in caplog.text


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(source)


class TestMerging:
    """Several files."""

    def test_nodes_in_another_order(self, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
        video = make_video("a.mp4")
        first = make_labels("a.slp", video, {0: [animal()]})
        second = make_labels("b.slp", video, {1: [animal()]}, nodes=("tail", "nose", "body"))
        labels = read(first, second)
        assert skeleton_of(labels).nodes == NODES
        np.testing.assert_array_equal(labels.labeled_frames[1].instances[0].numpy(), animal()[[1, 2, 0]])

    def test_nodes_that_differ_in_case_only(
        self, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        labels = make_labels("a.slp", make_video("a.mp4"), {0: [animal()]}, nodes=("nose", "Nose", "tail"))
        with pytest.raises(SkeletonError, match=r"a\.slp: nodes must differ in more than case.*'nose' and 'Nose'"):
            read(labels)

    def test_other_nodes(self, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
        video = make_video("a.mp4")
        first = make_labels("a.slp", video, {0: [animal()]})
        second = make_labels("b.slp", video, {1: [animal()]}, nodes=("nose", "trunk", "tail"))
        with pytest.raises(
            SkeletonError, match=r"b\.slp must have the same nodes as .*a\.slp, got missing: body; extra: trunk"
        ):
            read(first, second)

    def test_edges_of_the_first_file_that_has_any(
        self, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        video = make_video("a.mp4")
        first = make_labels("a.slp", video, {0: [animal()]})
        second = make_labels("b.slp", video, {1: [animal()]}, nodes=("tail", "nose", "body"), edges=[("nose", "tail")])
        assert skeleton_of(read(first, second)).edges == ((0, 2),)

    def test_the_later_file_wins(
        self, make_video: Callable, make_labels: Callable, animal: Callable, caplog: pytest.LogCaptureFixture
    ) -> None:
        video = make_video("a.mp4")
        first = make_labels("a.slp", video, {0: [animal(1)], 1: [animal(1)]}, tracks=("m",))
        second = make_labels("b.slp", video, {1: [animal(2)], 2: [animal(2)]}, tracks=("m",))
        with caplog.at_level(logging.WARNING):
            labels = read(first, second)
        assert {f.frame_idx: f.instances[0].numpy()[0, 0] for f in labels.labeled_frames} == {0: 1, 1: 2, 2: 2}
        assert len(labels.videos) == 1
        assert [track.name for track in labels.tracks] == ["m"]
        assert "b.slp: labels on 1 frames of a.mp4 replace those of" in caplog.text

    def test_a_copy_of_the_recording_is_the_same(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        video = make_video("one/a.mp4")
        (tmp_path / "two").mkdir()
        copy = shutil.copy(video, tmp_path / "two" / "a.mp4")
        labels = read(
            make_labels("a.slp", video, {0: [animal(1)]}), make_labels("b.slp", copy, {0: [animal(2)], 1: [animal()]})
        )
        assert len(labels.videos) == 1
        assert sorted(frame.frame_idx for frame in labels.labeled_frames) == [0, 1]

    def test_recordings_of_one_name_stay_apart(
        self, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        days = [make_video("day1/a.mp4", count=30), make_video("day2/a.mp4", count=31)]
        labels = read(*(make_labels(f"{day.parent.name}.slp", day, {0: [animal()]}) for day in days))
        assert sorted(video.filename for video in labels.videos) == sorted(map(str, days))
        assert len(labels.labeled_frames) == 2

    def test_a_package_and_its_recording(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        video = make_video("a.mp4")
        slp = make_labels("a.slp", video, {0: [animal(1)], 1: [animal(1)]})
        write_package(read(slp), tmp_path / "far" / "p.pkg.slp")
        later = make_labels("b.slp", video, {1: [animal(2)]})
        labels = read(tmp_path / "far" / "p.pkg.slp", later)
        assert {f.frame_idx: f.instances[0].numpy()[0, 0] for f in labels.labeled_frames} == {0: 1, 1: 2}

    @pytest.mark.slow
    def test_two_packages_of_one_recording(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        video = make_video("a.mp4")
        for name, frames in (("p", {0: [animal(1)], 1: [animal(1)]}), ("q", {1: [animal(2)], 5: [animal(2)]})):
            write_package(read(make_labels("a.slp", video, frames)), tmp_path / f"{name}.pkg.slp")
        video.unlink()
        labels = read(tmp_path / "p.pkg.slp", tmp_path / "q.pkg.slp")
        assert {f.frame_idx: f.instances[0].numpy()[0, 0] for f in labels.labeled_frames} == {0: 1, 1: 2, 5: 2}
        write_package(labels, tmp_path / "both.pkg.slp")
        assert places(read(tmp_path / "both.pkg.slp")) == {("a.mp4", 0), ("a.mp4", 1), ("a.mp4", 5)}


class TestFindingVideos:
    """Where a labeled recording is looked for."""

    def test_in_a_folder_below_video_folders(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        video = make_video("store/day1/cage a.mp4")
        slp = make_labels("labels/a.slp", "D:\\lab\\cage a.mp4", {0: [animal()]})
        labels = read(slp, video_folders=[str(tmp_path / "store")])
        assert labels.videos[0].filename == str(video)

    def test_beside_the_label_file(self, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
        video = make_video("labels/a.mp4")
        slp = make_labels("labels/a.slp", "/mnt/gone/a.mp4", {0: [animal()]})
        assert read(slp).videos[0].filename == str(video)

    def test_of_several_the_one_whose_folders_agree(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        for day in ("day1", "day2"):
            make_video(f"store/{day}/a.mp4")
        slp = make_labels("a.slp", "/old/disk/day2/a.mp4", {0: [animal()]})
        labels = read(slp, video_folders=[str(tmp_path / "store")])
        assert labels.videos[0].filename == str(tmp_path / "store" / "day2" / "a.mp4")
        slp = make_labels("a.slp", "/old/disk/a.mp4", {0: [animal()]})
        with pytest.raises(LabelsError, match=r"a\.slp: video /old/disk/a\.mp4 must be .*day1/a\.mp4, .*day2/a"):
            read(slp, video_folders=[str(tmp_path / "store")])

    def test_through_links_that_go_round(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        video = make_video("disk/a.mp4")
        (tmp_path / "store").mkdir()
        (tmp_path / "store" / "link").symlink_to(tmp_path / "disk")
        (tmp_path / "disk" / "round").symlink_to(tmp_path / "store")
        slp = make_labels("a.slp", "/gone/a.mp4", {0: [animal()]})
        assert read(slp, video_folders=[str(tmp_path / "store")]).videos[0].filename == str(video)

    def test_nowhere(self, make_labels: Callable, animal: Callable) -> None:
        slp = make_labels("a.slp", "/gone/a.mp4", {0: [animal()]})
        with pytest.raises(LabelsError, match=r"a\.slp: each labeled video must be .* not found: /gone/a\.mp4"):
            read(slp)

    def test_an_imgstore_is_its_folder(self, make_labels: Callable, animal: Callable) -> None:
        slp = make_labels("a.slp", "/gone/day1/metadata.yaml", {0: [animal()]})
        with pytest.raises(LabelsError, match=r"not found: /gone/day1$"):
            read(slp)

    def test_too_short(self, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
        slp = make_labels("a.slp", make_video("a.mp4", count=30), {29: [animal()], 30: [animal()]})
        with pytest.raises(LabelsError, match=r"a\.slp: labels of .*a\.mp4 must be on frames 0 to 29, got frame 30"):
            read(slp)

    def test_unreadable(self, tmp_path: Path, make_labels: Callable, animal: Callable) -> None:
        (tmp_path / "a.mp4").write_bytes(b"no video")
        slp = make_labels("a.slp", tmp_path / "a.mp4", {0: [animal()]})
        with pytest.raises(LabelsError, match=r"a\.mp4 must be a readable video"):
            read(slp)

    def test_a_video_without_labels_may_be_missing(
        self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        slp = make_labels("a.slp", make_video("a.mp4"), {0: [animal()]})
        labels = sio.load_slp(str(slp), open_videos=False)
        labels.videos.append(sio.Video("/gone/b.mp4", open_backend=False))
        sio.save_slp(labels, str(slp), embed=False, verbose=False)
        assert [Path(video.filename).name for video in read(slp).videos] == ["a.mp4"]


class TestFaults:
    """Files that are not what they should be."""

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.slp", b"", r"a\.slp must be a label file, got an empty one"),
            ("a.slp", b"hello", r"a\.slp must be a label file .*SLEAP \.slp .*, got a text of another kind"),
            ("a.csv", b"x,y\n1,2\n", r"a\.csv must be a label file .*, got another table"),
            ("a.csv", b"\n\n\n\n\n", r"a\.csv must be a label file .*, got a file of zeros or of an unknown kind"),
            ("a.json", b"{", r"a\.json must be a COCO file, got a damaged JSON"),
            ("a.json", b"[]", r"a\.json must be a label file .*, got an empty JSON list"),
            ("a.slp", bytes(5000), r"a\.slp must be a label file .*, got a file of zeros"),
            ("a.slp", b"\x89HDF\r\n\x1a\n" + bytes(5000), r"a\.slp must be a label file, got a damaged"),
        ],
    )
    def test_no_label_file(self, tmp_path: Path, name: str, content: bytes, message: str) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LabelsError, match=message):
            read(tmp_path / name)

    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(LabelsError, match=r"a\.slp must be a label file, got no such file"):
            read(tmp_path / "a.slp")

    def test_none_at_all(self) -> None:
        with pytest.raises(LabelsError, match="must name at least one label file"):
            read()

    def test_truncated(self, tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
        slp = make_labels("a.slp", make_video("a.mp4"), {0: [animal()]})
        for size in (600, slp.stat().st_size // 2, slp.stat().st_size - 10):
            (tmp_path / "cut.slp").write_bytes(slp.read_bytes()[:size])
            with pytest.raises(LabelsError, match=r"cut\.slp must be a(?: SLEAP)? label file, got a damaged one"):
                read(tmp_path / "cut.slp")

    def test_no_labeled_frames(self, make_video: Callable, make_labels: Callable) -> None:
        with pytest.raises(LabelsError, match=r"a\.slp must have labeled frames, got none"):
            read(make_labels("a.slp", make_video("a.mp4"), {0: []}))

    def test_all_points_missing(self, make_video: Callable, make_labels: Callable) -> None:
        slp = make_labels("a.slp", make_video("a.mp4"), {0: [np.full((3, 2), np.nan)]})
        with pytest.raises(LabelsError, match="got 1 instance whose points are all missing"):
            read(slp)

    def test_the_same_instance_twice(self, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
        slp = make_labels("a.slp", make_video("a.mp4"), {0: [animal()], 5: [animal(), animal()]})
        with pytest.raises(LabelsError, match=r"a\.slp: instances of a frame must differ, .* in frame 5 of a\.mp4"):
            read(slp)

    def test_identities(self, make_video: Callable, make_labels: Callable, animal: Callable) -> None:
        video = make_video("a.mp4")
        with pytest.raises(LabelsError, match="must have tracks named after the animals"):
            check_identities(read(make_labels("a.slp", video, {0: [animal()]})))
        with pytest.raises(LabelsError, match="an identity must occur once in a frame"):
            check_identities(read(make_labels("b.slp", video, {0: [animal(), animal(30)]}, tracks=("m", "m"))))


def test_label_files_are_found_by_pattern(tmp_path: Path) -> None:
    for name in ("b.slp", "a.slp", "x.csv", "x.h5", "y.h5"):
        (tmp_path / name).touch()
    (tmp_path / "folder.slp").mkdir()
    for name, attribute in (("x.h5", "pandas_type"), ("y.h5", "other")):
        with h5py.File(tmp_path / name, "w") as file:
            file.create_group("df_with_missing").attrs[attribute] = "frame_table"
    (tmp_path / "y.csv").touch()
    patterns = tuple(f"{tmp_path}/{pattern}" for pattern in ("b.slp", "*.slp", "*.csv", "*.h5"))
    assert [path.name for path in find_label_files(LabelsConfig(paths=patterns))] == [
        *("b.slp", "a.slp", "x.csv", "y.csv", "y.h5")
    ]
    with pytest.raises(LabelsError, match=r"labels\.paths must name files that exist, got .*none\.slp"):
        find_label_files(LabelsConfig(paths=(f"{tmp_path}/none.slp",)))
    with pytest.raises(LabelsError, match=r"labels\.paths must name files .*, got the folder .*folder\.slp"):
        find_label_files(LabelsConfig(paths=(f"{tmp_path}/folder.slp",)))
    (tmp_path / "day[1].slp").touch()
    assert find_label_files(LabelsConfig(paths=(f"{tmp_path}/day[1].slp",))) == [tmp_path / "day[1].slp"]


def test_a_file_without_labels_yet_is_passed_over_where_others_have_some(
    make_video: Callable, make_labels: Callable, animal: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    video = make_video("a.mp4")
    full, empty = make_labels("a.slp", video, {3: [animal()]}), make_labels("new.slp", video, {})
    assert places(read(empty, full)) == {("a.mp4", 3)}
    assert "new.slp must have labeled frames, got none; it is passed over" in caplog.text
    with pytest.raises(NoLabelsError, match=r"new\.slp must have labeled frames"):
        read(empty)


@pytest.mark.slow
def test_labeled_frames_of_a_recording_are_found_without_it(
    make_video: Callable, make_labels: Callable, animal: Callable
) -> None:
    files = [
        make_labels("a.slp", "/gone/a.mp4", {3: [animal()], 4: []}),
        make_labels("b.slp", "D:\\lab\\a.mp4", {5: [animal()]}),
        make_labels("c.slp", "/gone/b.mp4", {6: [animal()]}),
        make_labels("d.slp", "/gone/a.mp4", {7: [animal()]}, predicted=True),
    ]
    index = index_video(make_video("a.mp4"))
    assert find_labeled_frames(files, LabelsConfig(), index) == {3, 5}
    assert find_labeled_frames(files, LabelsConfig(include_predictions=True), index) == {3, 5, 7}


def test_labeled_images_are_known_by_name(real_data: Path) -> None:
    folder = real_data / "mouse_openfield" / "labeled-data" / "m4s1"
    found = find_labeled_frames([folder / "CollectedData_Pranav.csv"], LabelsConfig(), index_video(folder))
    assert found == set(range(116))


def test_without_videos_names_are_enough(make_labels: Callable, animal: Callable) -> None:
    files = [
        make_labels("a.slp", "/gone/a.mp4", {3: [animal()], 4: []}),
        make_labels("b.slp", "D:\\lab\\a.mp4", {3: [animal()], 5: [animal()]}),
        make_labels("c.slp", "/gone/b.mp4", {6: [animal()]}),
    ]
    labels = read_labels(files, LabelsConfig(), with_videos=False)
    assert places(labels) == {("a.mp4", 3), ("a.mp4", 5), ("b.mp4", 6)}


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    digest = labels_digest([tmp_path / "a", tmp_path / "b"])
    shutil.copy(tmp_path / "a", tmp_path / "c")
    assert labels_digest([tmp_path / "c", tmp_path / "b"]) == digest
    assert labels_digest([tmp_path / "b", tmp_path / "a"]) != digest
    (tmp_path / "b").write_bytes(b"3")
    assert labels_digest([tmp_path / "a", tmp_path / "b"]) != digest


def test_real_labels(real_data: Path) -> None:
    labels = read(real_data / "flies13" / "flies13_part1.slp")
    assert len(labels.labeled_frames) == 1000
    assert check_identities(labels) == ("female", "male")
    folders = [str(real_data / "fly_pair")]
    slp = real_data / "fly_pair" / "minimal_instance.slp"
    assert len(read(slp, video_folders=folders).labeled_frames) == 1


def test_labeled_frames_of_namesakes_are_told_apart(
    tmp_path: Path, make_video: Callable, make_labels: Callable, animal: Callable
) -> None:
    files = [
        make_labels("a.slp", "/gone/day1/a.mp4", {3: [animal()]}),
        make_labels("b.slp", "D:\\lab\\day2\\a.mp4", {5: [animal()]}),
        make_labels("c.slp", make_video("other/a.mp4", seed=1), {7: [animal()]}),
    ]
    index = index_video(make_video("day1/a.mp4"))
    assert find_labeled_frames(files, LabelsConfig(), index) == {3}


def test_a_labeled_image_that_is_gone_is_no_frame(tmp_path: Path, animal: Callable) -> None:
    (tmp_path / "cage").mkdir()
    for number in (3, 12):
        cv2.imwrite(str(tmp_path / "cage" / f"img{number}.png"), np.full((20, 30), 90, np.uint8))
    names = [f"/gone/cage/img{number}.png" for number in (1, 3, 12)]
    metadata = {"type": "ImageVideo", "filename": names[0], "filenames": names}
    video = sio.Video(filename=names, open_backend=False, backend_metadata=metadata)
    skeleton = sio.Skeleton(nodes=list(NODES))
    frames = [
        sio.LabeledFrame(video=video, frame_idx=n, instances=[sio.Instance.from_numpy(animal(), skeleton=skeleton)])
        for n in (0, 2)
    ]
    sio.save_slp(sio.Labels(labeled_frames=frames), str(tmp_path / "a.slp"), verbose=False)
    assert find_labeled_frames([tmp_path / "a.slp"], LabelsConfig(), index_video(tmp_path / "cage")) == {1}
