"""Labels of JABS, DeepPoseKit, YOLO-pose, ndx-pose and SLEAP's analysis files, as their own programs write them."""

import logging
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import sleap_io as sio
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sleap_io.io import jabs, nwb_annotations, ultralytics

from poseflow.core.errors import LabelsError, NoLabelsError
from poseflow.labels.clean import clean_labels
from poseflow.labels.formats import read_label_file

NODES = ("nose", "left", "right", "tail")
SIZE = (48, 64)


def poses(nodes: int, largest: float = 40.0, frames: int = 4) -> st.SearchStrategy[np.ndarray]:
    """Points (frames, animals, nodes, 2), each point there or missing as a whole."""
    drawn = arrays(float, (frames, 2, nodes, 2), elements=st.floats(1, largest, width=32))
    absent = arrays(bool, (frames, 2, nodes))
    return st.builds(lambda points, gone: np.where(gone[..., None], np.nan, points), drawn, absent)


def build(
    points: np.ndarray,
    video: sio.Video,
    nodes: Sequence[str] = NODES,
    edges: Sequence[tuple[str, str]] = (("nose", "tail"), ("nose", "left")),
    scored: bool = False,
) -> sio.Labels:
    """Labels of two tracks; an animal of a frame without any point is not there."""
    skeleton = sio.Skeleton(list(nodes), edges=list(edges), name="Mouse")
    tracks = [sio.Track("anna"), sio.Track("bert")]
    frames = []
    for number, animals in enumerate(points):
        own = [
            sio.PredictedInstance.from_numpy(
                one, skeleton=skeleton, track=track, score=0.5, point_scores=np.full(len(nodes), 0.25)
            )
            if scored
            else sio.Instance.from_numpy(one, skeleton=skeleton, track=track)
            for one, track in zip(animals, tracks, strict=True)
            if np.isfinite(one).any()
        ]
        frames.append(sio.LabeledFrame(video=video, frame_idx=number, instances=own))
    return sio.Labels(frames, videos=[video], skeletons=[skeleton], tracks=tracks)


def film(folder: Path, frames: int = 4) -> sio.Video:
    metadata = {"type": "MediaVideo", "filename": str(folder / "cage.mp4"), "shape": [frames, *SIZE, 1]}
    return sio.Video(filename=str(folder / "cage.mp4"), open_backend=False, backend_metadata=metadata)


def found(labels: sio.Labels, named: bool = True) -> dict[int, list[tuple[str | None, list]]]:
    """Name and points of each animal, by frame; frames without any left out."""
    frames = {}
    for frame in labels:
        own = [(i.track.name if named and i.track else None, np.nan_to_num(i.numpy(), nan=-1)) for i in frame.instances]
        own = sorted(((name, points.tolist()) for name, points in own if (points >= 0).any()), key=str)
        if own:
            frames[frame.frame_idx] = own
    return frames


def afresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labels")


ONCE_A_TEST = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


class TestJabs:
    """As sleap-io writes and reads it: whole px, and a mouse of twelve nodes."""

    @pytest.mark.parametrize("version", [2, 3, 4, 5])
    @given(points=poses(12))
    @ONCE_A_TEST
    def test_is_what_sleap_io_reads(self, version, points, tmp_path_factory):
        folder = afresh(tmp_path_factory)
        points = np.round(points)
        points[:, 0, 0] = 7.0  # sleap-io fails on a frame of version 2 without any
        if version == 2:
            points[:, 1] = np.nan
        labels = build(points, film(folder), [node.name for node in jabs.JABS_DEFAULT_KEYPOINTS], [])
        path = folder / f"cage_pose_est_v{version}.h5"
        data = jabs.convert_labels(labels, labels.video)
        write = {2: jabs.write_jabs_v2, 3: jabs.write_jabs_v3, 4: jabs.write_jabs_v4, 5: jabs.write_jabs_v5}
        write[version](data, str(path))
        ours = read_label_file(path)
        theirs = jabs.read_labels(str(path))
        assert found(ours) == found(theirs)
        assert found(ours, named=False) == found(labels, named=False)

    def test_is_predictions_of_the_recording_beside_it(self, tmp_path):
        (tmp_path / "cage.avi").write_bytes(b"video")
        (tmp_path / "age.mp4").write_bytes(b"video")
        with h5py.File(tmp_path / "cage_pose_est_v3.h5", "w") as file:
            group = file.create_group("poseest")
            group.attrs["version"] = [3, 0]
            group["points"] = np.full((2, 1, 12, 2), (7, 5), np.uint16)
            group["confidence"] = np.full((2, 1, 12), 0.5, np.float32)
            group["instance_track_id"], group["instance_count"] = np.zeros((2, 1), int), np.array([1, 0])
        labels = read_label_file(tmp_path / "cage_pose_est_v3.h5")
        assert (labels.video.filename, len(labels)) == (str(tmp_path / "cage.avi"), 1)
        assert labels[0].instances[0].numpy()[0].tolist() == [5, 7]
        assert (labels[0].instances[0].score, labels.tracks[0].name) == (0.5, "0")
        with pytest.raises(NoLabelsError, match="1 predicted instance only"):
            clean_labels(labels, tmp_path, include_predictions=False)


class TestDeepPoseKit:
    """As its `initialize_dataset` lays an annotation set out, and as SLEAP reads its poses."""

    @pytest.fixture
    def table(self, tmp_path: Path) -> Path:
        (tmp_path / "skeleton.csv").write_text(
            "name,parent,swap\nnose,,\nleft,nose,right\nright,nose,left\ntail,nose,\n"
        )
        return tmp_path / "skeleton.csv"

    @given(points=poses(4), with_tree=st.booleans())
    @ONCE_A_TEST
    def test_annotations_that_are_set_are_labels(self, table, points, with_tree):
        path = table.with_name("set.h5")
        path.unlink(missing_ok=True)
        with h5py.File(path, "w") as file:
            file["images"] = np.zeros((len(points), *SIZE, 1), np.uint8)
            file["annotations"] = np.nan_to_num(points[:, 0], nan=3.0)
            file["annotated"] = np.isfinite(points[:, 0]).all(axis=2)
            if with_tree:
                file["skeleton"] = np.array([[-1, -1], [0, 2], [0, 1], [0, -1]], np.int32)
        labels = read_label_file(path)
        expected = build(points[:, :1].repeat(2, axis=1), labels.video)
        assert found(labels, named=False) == {key: own[:1] for key, own in found(expected, named=False).items()}
        assert labels.skeletons[0].edge_names == [("nose", "left"), ("nose", "right"), ("nose", "tail")]
        assert labels.skeletons[0].symmetry_names == [("left", "right")]
        assert labels.video.backend_metadata["dataset"] == "images"

    def test_its_images_are_those_of_the_file(self, table):
        from poseflow.config import LabelsConfig
        from poseflow.labels import read_labels
        from poseflow.labels.images import read_images

        pictures = np.random.default_rng(0).integers(0, 255, (3, *SIZE, 1), np.uint8)
        with h5py.File(table.with_name("set.h5"), "w") as file:
            file["images"], file["annotated"] = pictures, np.ones((3, 4), bool)
            file["annotations"] = np.full((3, 4, 2), 5.0)
        labels = read_labels([table.with_name("set.h5")], LabelsConfig())
        ((_, image),) = read_images(labels.video, [2], 1)
        np.testing.assert_array_equal(image, pictures[2])

    def test_poses_are_predictions(self, table, caplog):
        path = table.with_name("cage.h5")
        with h5py.File(path, "w") as file:
            file["pose"] = np.array([[[[1, 2, 0.5]] * 4], [[[np.nan] * 3] * 4]])
        labels = read_label_file(path)
        assert [instance.track.name for instance in labels[0].instances] == ["Track 0"]
        assert (labels.skeletons[0].node_names, labels.video.filename) == (list(NODES), "cage.mp4")
        assert labels[0].instances[0].score == 0.5
        table.unlink()
        with caplog.at_level(logging.WARNING):
            assert read_label_file(path).skeletons[0].node_names == ["1", "2", "3", "4"]
        assert "no table name,parent,swap of 4 nodes" in caplog.text

    def test_several_skeletons(self, table):
        table.with_name("other.csv").write_text("name,parent,swap\na,,\nb,,\nc,,\nd,,\n")
        with h5py.File(table.with_name("cage.h5"), "w") as file:
            file["pose"] = np.ones((1, 1, 4, 3))
        with pytest.raises(LabelsError, match=r"cage\.h5: its skeleton must be in one table beside it"):
            read_label_file(table.with_name("cage.h5"))


class TestNwb:
    """As sleap-io writes ndx-pose's PoseTraining through pynwb."""

    @pytest.mark.parametrize("subjects", [True, False])
    def test_is_what_was_written(self, subjects, tmp_path):
        folder, rng = tmp_path, np.random.default_rng(0)
        points = np.where(rng.random((12, 2, 4, 1)) < 0.3, np.nan, rng.uniform(1, 40, (12, 2, 4, 2)))
        video = film(folder)
        video.backend = sio.io.video_reading.MediaVideo(str(folder / "cage.mp4"))
        labels = build(points, video)
        labels.labeled_frames[-1].frame_idx = 70_000
        path = folder / "labels.nwb"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nwb_annotations.save_labels(labels, path, use_multisubjects=subjects)
        ours = read_label_file(path)
        assert found(ours, named=subjects) == found(labels, named=subjects)
        assert found(ours, named=False) == found(sio.load_nwb(str(path)), named=False)
        assert ours.skeletons[0].edge_names == labels.skeletons[0].edge_names
        assert ours.video.filename == str(folder / "cage.mp4")

    def test_images_are_found_by_the_series(self, tmp_path):
        names = [str(tmp_path / "images" / f"{number}.png") for number in (1, 2, 10)]
        (tmp_path / "images").mkdir()
        for name in names:
            cv2.imwrite(name, np.zeros(SIZE, np.uint8))
        video = sio.Video.from_filename(names)
        labels = build(np.full((3, 2, 4, 2), 5.0), video)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nwb_annotations.save_labels(labels, tmp_path / "labels.nwb")
        read = [frame.video.filename[frame.frame_idx] for frame in read_label_file(tmp_path / "labels.nwb")]
        assert read == names


class TestYolo:
    """As sleap-io writes a data set of Ultralytics, and as others lay it out."""

    @given(points=poses(4))
    @settings(ONCE_A_TEST, max_examples=5)
    def test_is_what_sleap_io_writes(self, points, tmp_path_factory):
        folder = afresh(tmp_path_factory)
        points[:, 0] = np.nan_to_num(points[:, 0], nan=3.0)
        pictures = [str(folder / f"{number}.png") for number in range(len(points))]
        for picture in pictures:
            cv2.imwrite(picture, np.zeros(SIZE, np.uint8))
        labels = build(points, sio.Video.from_filename(pictures), edges=[("nose", "left")])
        ultralytics.write_labels(labels, str(folder / "set"), split_ratios={"train": 1.0}, verbose=False)
        ours = read_label_file(folder / "set" / "data.yaml")
        theirs = ultralytics.read_labels(str(folder / "set"))
        of_ours = [sorted(i.numpy().tolist() for i in frame.instances) for frame in ours]
        of_theirs = [sorted(i.numpy().tolist() for i in frame.instances) for frame in theirs]
        for one, other in zip(of_ours, of_theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
        written = [sorted(i.numpy().tolist() for i in frame.instances) for frame in labels]
        for one, other in zip(of_ours, written, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)
        assert ours.skeletons[0].edge_inds == [(0, 1)]

    @staticmethod
    def lay_out(folder: Path, text: str = "0 .5 .5 1 1 .25 .5 2 .5 .25 0\n", **changes: object) -> Path:
        """A data set of one image, 64 x 48, as data.yaml with these changes says."""
        for name in ("images", "labels"):
            (folder / "train" / name).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "train/images/a.png"), np.zeros(SIZE, np.uint8))
        (folder / "train/labels/a.txt").write_text(text)
        content = {"train": "train/images", "kpt_shape": [2, 3], "names": ["fly"], "flip_idx": [1, 0]} | changes
        (folder / "data.yaml").write_text(yaml.safe_dump(content))
        return folder / "data.yaml"

    @pytest.mark.parametrize(
        "where", ["../train/images", "/gone/set/train/images", "D:\\set\\train\\images", "./train/images"]
    )
    def test_is_found_wherever_it_was(self, where, tmp_path):
        labels = read_label_file(self.lay_out(tmp_path, train=where, path="/gone/set"))
        np.testing.assert_array_equal(labels[0].instances[0].numpy(), [[16, 24], [np.nan, np.nan]])
        assert labels.skeletons[0].symmetry_names == [("point_0", "point_1")]

    def test_classes_count_as_one_kind_with_a_line(self, tmp_path, caplog):
        labels = read_label_file(self.lay_out(tmp_path, "0 .5 .5 1 1 .25 .5 2 0 0 0\n1 .5 .5 1 1 .5 .5 2 0 0 0\n"))
        assert len(labels[0].instances) == 2
        assert "data.yaml: its 2 classes count as one kind of animal" in caplog.text

    def test_without_visibility_a_negative_coordinate_is_missing(self, tmp_path):
        path = self.lay_out(tmp_path, "0 .5 .5 1 1 .25 .5 -1 0\n", kpt_shape=[2, 2], kpt_names={0: ["a", "b"]})
        labels = read_label_file(path)
        np.testing.assert_array_equal(labels[0].instances[0].numpy(), [[16, 24], [np.nan, np.nan]])
        assert labels.skeletons[0].node_names == ["a", "b"]

    @pytest.mark.parametrize(
        ("text", "changes", "message"),
        [
            ("0 .5 .5 1 1 .25\n", {}, r"a\.txt: a line must have class, box and 2 keypoints of 3 numbers.*got 6"),
            ("0 .5 x 1 1 .2 .5 2 .5 .2 0\n", {}, r"a\.txt must be labels of YOLO-pose, got a damaged one"),
            ("", {"kpt_shape": [2]}, r"data\.yaml must be a data\.yaml of YOLO-pose, got a damaged one"),
            ("", {"kpt_shape": [10**9, 3]}, r"data\.yaml must be .*got a damaged one: ValueError: kpt_shape"),
            ("", {"train": "../../../etc"}, r"data\.yaml: train must be a folder of images below its own"),
            ("", {"flip_idx": [0, 0]}, "flip_idx must have each of 2 keypoints once"),
            ("", {"skeleton": [[0, 2]]}, "skeleton must join two of 2 keypoints"),
            ("", {"train": None}, r"data\.yaml must name folders of images"),
        ],
    )
    def test_what_contradicts_itself(self, text, changes, message, tmp_path):
        with pytest.raises(LabelsError, match=f"^[^\n]*{message}[^\n]*$"):
            read_label_file(self.lay_out(tmp_path, text, **changes))

    def test_leads_out_of_its_folder(self, tmp_path):
        path = self.lay_out(tmp_path / "set")
        (tmp_path / "secret").mkdir()
        (tmp_path / "secret/a.txt").write_text("SECRET")
        (path.parent / "train/labels/a.txt").unlink()
        (path.parent / "train/labels/a.txt").symlink_to(tmp_path / "secret/a.txt")
        with pytest.raises(LabelsError, match=r"labels must lie in its folder, got .*a link to") as raised:
            read_label_file(path)
        assert "SECRET" not in str(raised.value)
        shutil.rmtree(path.parent / "train")
        (path.parent / "train").symlink_to(tmp_path / "secret")
        with pytest.raises(LabelsError, match="train must be a folder of images below its own"):
            read_label_file(path)

    def test_yaml_that_would_run_something(self, tmp_path):
        path = self.lay_out(tmp_path)
        path.write_text("kpt_shape: !!python/object/apply:os.system ['touch ran']\n")
        with pytest.raises(LabelsError, match="got a damaged one: ConstructorError"):
            read_label_file(path)


class TestSleapAnalysis:
    """Analysis files of SLEAP, against those that sleap-io writes."""

    @given(points=poses(4), scored=st.booleans())
    @settings(ONCE_A_TEST, max_examples=8)
    def test_hdf5_and_csv_are_what_was_written(self, points, scored, tmp_path_factory):
        folder = afresh(tmp_path_factory)
        points[-1] = 5.0
        labels = build(points, film(folder), scored=scored)
        sio.save_analysis_h5(labels, str(folder / "cage.analysis.h5"))
        sio.save_csv(labels, str(folder / "cage.analysis.csv"), format="sleap")
        for path in folder.iterdir():
            ours = read_label_file(path)
            order = [ours.skeletons[0].node_names.index(name) for name in NODES]
            same = build(points, film(folder), scored=scored)
            for frame in ours:
                for instance in frame.instances:
                    instance.points = instance.points[order]
            assert found(ours) == found(same)
        assert Path(ours.video.filename).name == "cage.mp4"

    def test_of_real_files(self, real_data):
        formats = real_data / "formats"
        path = formats / "sleap_analysis/small_robot.000_small_robot_3_frame.analysis.h5"
        assert found(read_label_file(path)) == found(sio.load_analysis_h5(str(path)))
        old = read_label_file(formats / "sleap_json/minimal_instance.json")
        table = read_label_file(formats / "sleap_csv/minimal_instance.analysis.csv")
        assert type(table[0].instances[0]) is sio.Instance
        assert sorted(i.numpy()[0, 0] for i in table[0]) == pytest.approx(
            sorted(i.numpy()[0, 0] for i in old[0])[1:], abs=120
        )

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ("track,frame_idx,instance.score,a.x,a.y\nm,0,1,5", "each row must have 5 cells, got 4"),
            ("track,frame_idx,instance.score,a.x,a.y\nm,-1,1,5,6", "frame_idx must be a whole number"),
            ("track,frame_idx,instance.score,a.x,a.y\nm,0,1,5,x", "could not convert string to float"),
            ("frame_idx,a.x,a.y,b.x\n0,1,2,3", "each node must have x and y"),
            ("frame_idx,a.x,a.y,video_path\n0,1,2,a.mp4\n0,1,2,b.mp4", "must be of one video"),
        ],
    )
    def test_tables_that_are_damaged(self, rows, message, tmp_path):
        (tmp_path / "a.csv").write_text(rows)
        with pytest.raises(
            LabelsError, match=f"^[^\n]*a.csv must be a SLEAP analysis CSV, got a damaged one.*{message}[^\n]*$"
        ):
            read_label_file(tmp_path / "a.csv")


def write_hdf5(path: Path, **members: object) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.9.0"
        for name, value in members.items():
            if isinstance(value, dict):
                group = file.require_group(name)
                for key, own in value.items():
                    group[key] = own
            else:
                file[name] = value
    return path


LYING = {
    "jabs nodes": {"poseest": {"points": np.ones((3, 5, 2)), "confidence": np.ones((3, 5))}},
    "jabs confidence": {"poseest": {"points": np.ones((3, 12, 2)), "confidence": np.ones((2, 12))}},
    "jabs points": {"poseest": {"points": np.full((3, 12, 2), np.nan), "confidence": np.ones((3, 12))}},
    "jabs nothing": {"poseest": {"points": 5}},
    "deepposekit shape": {"annotations": np.ones((3, 4, 3)), "annotated": np.ones((3, 4), bool)},
    "deepposekit images": {"annotations": np.ones((3, 4, 2)), "annotated": np.ones((3, 4), bool)},
    "deepposekit tree": {
        "annotations": np.ones((3, 1, 2)),
        "annotated": np.ones((3, 1), bool),
        "images": np.zeros((3, 4, 4, 1), np.uint8),
        "skeleton": np.array([[5, -1]]),
    },
    "deepposekit pose": {"pose": np.ones((1, 3, 4, 2))},
    "analysis nodes": {"tracks": np.ones((1, 2, 3, 4)), "track_occupancy": 1, "node_names": [b"a"]},
    "analysis scores": {
        "tracks": np.ones((1, 2, 1, 4)), "track_occupancy": 1, "node_names": [b"a"], "point_scores": np.ones((9, 9, 9)),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LYING)
def test_a_file_that_contradicts_itself_has_one_line(name, tmp_path):
    path = write_hdf5(tmp_path / "a.h5", **LYING[name])
    with pytest.raises(LabelsError, match=r"^[^\n]*a\.h5 must be [^\n]*got a damaged one[^\n]*$"):
        read_label_file(path)


def test_a_bomb_is_not_unpacked(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("poseest/points", (1 << 40, 12, 2), np.uint16, chunks=(1 << 10, 12, 2))
        file.create_dataset("poseest/confidence", (1 << 40, 12), np.float32, chunks=(1 << 10, 12))
    with pytest.raises(LabelsError, match=r"a\.h5 must be a pose file of JABS, got a damaged one.*that it says"):
        read_label_file(tmp_path / "a.h5")


@pytest.mark.parametrize("member", ["poseest/points", "pose", "annotations", "processing/behavior/x", "tracks"])
def test_a_link_out_of_the_file_is_not_followed(member, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.ones(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["nwb_version"] = "2"
        file[member] = h5py.ExternalLink("other.h5", "secret")
    with pytest.raises(LabelsError, match=r"a\.h5 must hold its data itself, got a link to 'other\.h5'"):
        read_label_file(tmp_path / "a.h5")


@pytest.mark.parametrize("name", ["jabs", "deepposekit", "nwb", "analysis"])
def test_a_file_that_is_cut_off_has_one_line(name, tmp_path, make_nwb):
    whole = {
        "jabs": lambda: write_hdf5(
            tmp_path / "w.h5", poseest={"points": np.ones((99, 12, 2)), "confidence": np.ones((99, 12))}
        ),
        "deepposekit": lambda: write_hdf5(tmp_path / "w.h5", pose=np.ones((1, 99, 4, 3))),
        "nwb": make_nwb,
        "analysis": lambda: write_hdf5(
            tmp_path / "w.h5", tracks=np.ones((1, 2, 1, 99)), track_occupancy=1, node_names=[b"a"]
        ),
    }[name]()
    assert read_label_file(whole).labeled_frames
    for share in (0.5, 0.9):
        (tmp_path / "cut.h5").write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
        with pytest.raises(LabelsError, match=r"^[^\n]*cut\.h5 must be [^\n]*got a damaged[^\n]*$"):
            read_label_file(tmp_path / "cut.h5")


@pytest.fixture
def make_nwb(tmp_path: Path) -> Callable[[], Path]:
    """Write labels as an NWB file."""

    def make() -> Path:
        video = film(tmp_path)
        video.backend = sio.io.video_reading.MediaVideo(str(tmp_path / "cage.mp4"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nwb_annotations.save_labels(build(np.full((3, 2, 4, 2), 5.0), video), tmp_path / "w.nwb")
        return tmp_path / "w.nwb"

    return make


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("PoseTraining/source_videos/video_0/external_file", r"external_file must be a dataset"),
        ("PoseTraining/training_frames/frame_1/source_video", "must have its source video and its index"),
        ("PoseTraining/training_frames/frame_1/skeleton_instances/instance_0/node_locations", "node_locations must be"),
        ("PoseTraining/training_frames/frame_1/skeleton_instances/instance_0/Mouse", "must have its skeleton"),
    ],
)
def test_an_nwb_file_in_which_something_is_missing_has_one_line(place, message, make_nwb):
    path = make_nwb()
    with h5py.File(path, "r+") as file:
        del file[f"processing/behavior/{place}"]
    with pytest.raises(LabelsError, match=rf"^[^\n]*w\.nwb[^\n]*{message}[^\n]*$"):
        read_label_file(path)


def test_each_real_file_is_read_or_refused_with_its_name(real_data):
    refused = {}
    for path in sorted((real_data / "formats").rglob("*")):
        if path.is_file() and "frame_idx" not in path.name:
            try:
                assert read_label_file(path).labeled_frames
            except LabelsError as error:
                refused[path.name] = str(error).split("got ")[-1]
    assert refused == {
        "config.yaml": "a text of another kind",
        "skeleton_legs.mat": "a MATLAB file (LEAP's labels, for one)",
        "small_robot_3_frame.mp4": "a video",
        **dict.fromkeys(["img000.png", "img001.png", "img002.png", "img003.png"], "an image"),
        **dict.fromkeys(["robot0.jpg", "robot1.jpg", "robot2.jpg"], "an image"),
    }


def test_spots_of_trackmate_are_named(tmp_path):
    (tmp_path / "spots.csv").write_text("LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y\nLabel,Spot ID,Track,Q,X,Y\n")
    with pytest.raises(LabelsError, match=r"spots\.csv must be a label file .*got spots of TrackMate"):
        read_label_file(tmp_path / "spots.csv")
