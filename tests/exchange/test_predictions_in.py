"""Predictions of other programs: points as they are in the file, and one line for what is no such file."""

import pickle
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas as pd
import pytest
import sleap_io as sio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ndx_pose import PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons
from pynwb import NWBHDF5IO, NWBFile
from pynwb.image import ImageSeries

from poseflow.config import PredictConfig
from poseflow.core.errors import AmbiguousVideoError, PredictionsError
from poseflow.exchange.predictions import (
    PredictedVideo,
    describe_predictions_file,
    find_video,
    iter_foreign_instances,
    slp,
)
from poseflow.media import index_video
from poseflow.steps.import_predictions import import_predictions
from poseflow.tables import Instances

NODES = ("nose", "tail", "paw")
FRAMES = 7
POSES = arrays(
    np.float32,
    st.tuples(st.just(FRAMES), st.integers(1, 3), st.just(3), st.just(2)),
    elements=st.one_of(st.floats(-50, 2000, width=32), st.just(np.nan)),
)


def read(path: Path, video: int = 0, frames: tuple[int, int] = (0, FRAMES)) -> Instances:
    return Instances.concatenate([Instances.empty(len(NODES)), *iter_foreign_instances(path, video, frames)])


def build_labels(poses: np.ndarray, videos: int = 1) -> sio.Labels:
    """Predictions (frames, animals, nodes, 2), the same in each video, an animal a track."""
    skeleton = sio.Skeleton(list(NODES), edges=[("nose", "tail")], symmetries=[("tail", "paw")])
    tracks = [sio.Track(f"animal {number}") for number in range(poses.shape[1])]
    own = [sio.Video(filename=f"/lab/day{number}/cage.mp4", open_backend=False) for number in range(videos)]
    frames = [
        sio.LabeledFrame(
            video=video,
            frame_idx=frame,
            instances=[
                sio.PredictedInstance.from_numpy(
                    points, skeleton=skeleton, point_scores=np.full(3, 0.25), score=0.5 + frame, track=track
                )
                for points, track in zip(animals, tracks, strict=True)
                if np.isfinite(points).all(axis=-1).any()
            ],
        )
        for video in own
        for frame, animals in enumerate(poses)
    ]
    labeled = [frame for frame in frames if frame.instances]
    return sio.Labels(labeled_frames=labeled, videos=own, skeletons=[skeleton], tracks=tracks)


def whole_points(poses: np.ndarray) -> np.ndarray:
    """A point of which x or y is missing is missing; animals without a point are none."""
    missing = np.isnan(poses).any(axis=-1)
    points = np.where(missing[..., None], np.float32(np.nan), poses).reshape(-1, 3, 2)
    return points[~missing.reshape(-1, 3).all(axis=1)]


def write_analysis(labels: sio.Labels, path: Path, preset: str = "matlab") -> None:
    sio.save_analysis_h5(labels, str(path), preset=preset)


def animal_names(poses: np.ndarray) -> list[str]:
    return [f"animal {number}" for number in range(poses.shape[1])]


def write_deeplabcut_csv(poses: np.ndarray, path: Path) -> None:
    """As DeepLabCut's `to_csv`: multi-animal where there are several."""
    single = poses.shape[1] == 1
    levels = [["DLC_resnet50_cageMar1shuffle1_1000"], animal_names(poses), NODES, ["x", "y", "likelihood"]]
    names = ["scorer", "individuals", "bodyparts", "coords"]
    if single:
        levels, names = [levels[0], *levels[2:]], [names[0], *names[2:]]
    scored = np.concatenate([poses.astype(float), np.full((*poses.shape[:3], 1), 0.25)], axis=-1)
    columns = pd.MultiIndex.from_product(levels, names=names)
    pd.DataFrame(scored.reshape(len(poses), -1), columns=columns).to_csv(path)


def write_lightning_pose(poses: np.ndarray, path: Path) -> None:
    scored = np.concatenate([poses.astype(float), np.full((*poses.shape[:3], 1), 0.25)], axis=-1)[:, 0]
    columns = pd.MultiIndex.from_product([["heatmap_tracker"], NODES, ["x", "y", "likelihood"]])
    columns.names = ["scorer", "bodyparts", "coords"]
    table = pd.DataFrame(scored.reshape(len(poses), -1), columns=columns)
    table["set"] = "unlabeled"
    table.to_csv(path)


def write_deeplabcut_hdf5(poses: np.ndarray, path: Path, names: bytes | None = None) -> None:
    """As pandas' `to_hdf` with format="table", whose library is none of ours."""
    labels = [
        ("DLC_net", animal, node, coord)
        for animal in animal_names(poses)
        for node in NODES
        for coord in ("x", "y", "likelihood")
    ]
    scored = np.concatenate([poses.astype(float), np.full((*poses.shape[:3], 1), 0.25)], axis=-1)
    table = np.zeros(len(poses), [("index", "<i8"), ("values_block_0", "<f8", (len(labels),))])
    table["index"], table["values_block_0"] = np.arange(len(poses)), scored.reshape(len(poses), -1)
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_(b"frame_table")
        group.attrs["non_index_axes"] = np.bytes_(pickle.dumps([(1, labels)], protocol=0) if names is None else names)
        group["table"] = table


def write_movement(poses: np.ndarray, path: Path) -> None:
    """As xarray's `to_netcdf` by the library netCDF4."""
    with h5py.File(path, "w") as file:
        file.attrs["fps"], file.attrs["time_unit"] = 25.0, "seconds"
        file["time"] = np.arange(len(poses)) / 25
        for name, values in (("space", ["x", "y"]), ("keypoints", NODES), ("individuals", animal_names(poses))):
            file.create_dataset(name, data=list(values), dtype=h5py.string_dtype())
        file["position"] = poses.transpose(0, 3, 2, 1)
        file["confidence"] = np.full((len(poses), len(NODES), poses.shape[1]), 0.25)
        for name in ("time", "space", "keypoints", "individuals"):
            file[name].make_scale(name)
        for axis, name in enumerate(("time", "space", "keypoints", "individuals")):
            file["position"].dims[axis].attach_scale(file[name])
        for axis, name in enumerate(("time", "keypoints", "individuals")):
            file["confidence"].dims[axis].attach_scale(file[name])


def write_nwb(poses: np.ndarray, path: Path) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    file = NWBFile(session_description="a cage", identifier="cage", session_start_time=start)
    camera = file.create_device("camera")
    film = ImageSeries(
        name="film", external_file=["../day0/cage.mp4"], format="external", rate=25.0, num_samples=len(poses)
    )
    file.add_acquisition(film)
    module = file.create_processing_module("behavior", "poses")
    skeleton = Skeleton(name="mouse", nodes=list(NODES), edges=np.array([[0, 1]], np.uint8))
    module.add(Skeletons(skeletons=[skeleton]))
    for animal, name in enumerate(animal_names(poses)):
        series = [
            PoseEstimationSeries(
                name=node,
                data=poses[:, animal, place],
                confidence=np.full(len(poses), 0.25),
                timestamps=10 + np.arange(len(poses)) / 25,
                reference_frame="top left",
            )
            for place, node in enumerate(NODES)
        ]
        poses_of_one = PoseEstimation(
            name=name,
            pose_estimation_series=series,
            skeleton=skeleton,
            devices=[camera],
            source_video=film,
            source_software="SLEAP",
        )
        module.add(poses_of_one)
    with NWBHDF5IO(str(path), "w") as stream:
        stream.write(file)


ARRAY_WRITERS = {
    "cageDLC_resnet50.csv": write_deeplabcut_csv,
    "cage.csv": write_lightning_pose,
    "cageDLC_el.h5": write_deeplabcut_hdf5,
    "cage.nc": write_movement,
    "cage.nwb": write_nwb,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ARRAY_WRITERS)
@settings(max_examples=10, deadline=None)
@given(poses=POSES)
def test_points_of_dense_formats_come_through_to_the_bit(name, poses):
    if name == "cage.csv":
        poses = poses[:, :1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        ARRAY_WRITERS[name](poses, path)
        described = describe_predictions_file(path)
        found = read(path)
        halves = Instances.concatenate([read(path, 0, (0, 3)), read(path, 0, (3, FRAMES))])
    assert (described.skeleton.nodes, described.videos[0].frames) == (NODES, FRAMES)
    np.testing.assert_array_equal(found.points, whole_points(poses))
    np.testing.assert_array_equal(halves.points, found.points)
    present = np.isfinite(found.points[..., 0])
    np.testing.assert_array_equal(found.point_scores, np.where(present, np.float32(0.25), np.nan))
    np.testing.assert_allclose(found.score, 0.25 * present.mean(axis=1), rtol=1e-6)


@pytest.mark.slow
def test_rates_and_recordings_that_a_file_names_are_told(tmp_path):
    poses = np.ones((FRAMES, 2, 3, 2), np.float32)
    for name in ("cage.nc", "cage.nwb"):
        ARRAY_WRITERS[name](poses, tmp_path / name)
        [video] = describe_predictions_file(tmp_path / name).videos
        assert video.fps == pytest.approx(25)
        assert video.recorded == {"cage.nc": None, "cage.nwb": "../day0/cage.mp4"}[name]


def test_rows_of_sleaps_csv_are_sorted_by_frame(tmp_path):
    poses = np.random.default_rng(0).uniform(0, 100, (FRAMES, 2, 3, 2)).astype(np.float32)
    poses[2, 1, 0] = np.nan
    sio.save_csv(build_labels(poses), str(tmp_path / "cage.csv"), format="sleap")
    found = read(tmp_path / "cage.csv")
    described = describe_predictions_file(tmp_path / "cage.csv")
    assert described.videos[0].frames == FRAMES
    order = [described.skeleton.index(node) for node in NODES]  # sleap-io sorts the columns
    assert found.frame_idx.tolist() == np.repeat(np.arange(FRAMES), 2).tolist()
    np.testing.assert_array_equal(found.points[:, order], whole_points(poses))


WRITERS = {
    "cage.slp": lambda labels, path: sio.save_slp(labels, str(path), embed=False, verbose=False),
    "cage.analysis.h5": write_analysis,
    "cage.standard.h5": lambda labels, path: write_analysis(labels, path, "standard"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=20, deadline=None)
@given(poses=POSES)
def test_points_come_through_to_the_bit(name, poses):
    if not np.isfinite(poses).all(axis=-1).any():
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        WRITERS[name](build_labels(poses), path)
        described = describe_predictions_file(path)
        found = read(path)
    assert described.skeleton.nodes == NODES
    assert described.videos[0].recorded == "/lab/day0/cage.mp4"
    np.testing.assert_array_equal(found.points, whole_points(poses))
    assert np.array_equal(np.isnan(found.point_scores), np.isnan(found.points[..., 0]))
    np.testing.assert_array_equal(found.score, found.frame_idx + 0.5)


def test_pieces_and_ranges_of_frames_make_the_whole(tmp_path, monkeypatch):
    poses = np.random.default_rng(0).uniform(0, 100, (FRAMES, 2, 3, 2)).astype(np.float32)
    labels = build_labels(poses, videos=2)
    labels.labeled_frames = labels.labeled_frames[::-1]  # as SLEAP's GUI may leave them
    WRITERS["cage.slp"](labels, tmp_path / "cage.slp")
    monkeypatch.setattr(slp, "BLOCK_FRAMES", 2)
    assert [video.recorded for video in describe_predictions_file(tmp_path / "cage.slp").videos] == [
        "/lab/day0/cage.mp4",
        "/lab/day1/cage.mp4",
    ]
    halves = Instances.concatenate([read(tmp_path / "cage.slp", 1, (0, 3)), read(tmp_path / "cage.slp", 1, (3, 7))])
    assert halves.frame_idx.tolist() == np.repeat(np.arange(FRAMES), 2).tolist()
    np.testing.assert_array_equal(halves.points, poses.reshape(-1, 3, 2))


def test_what_a_person_corrected_takes_the_place_of_its_prediction(tmp_path):
    labels = build_labels(np.full((2, 2, 3, 2), 10, np.float32))
    first = labels.labeled_frames[0]
    corrected = sio.Instance.from_numpy(np.full((3, 2), 11.0), skeleton=labels.skeletons[0], track=labels.tracks[1])
    corrected.from_predicted = first.instances[0]
    first.instances.append(corrected)
    WRITERS["cage.slp"](labels, tmp_path / "cage.slp")
    found = read(tmp_path / "cage.slp")
    assert found.frame_idx.tolist() == [0, 1, 1]  # its origin, and the prediction of its track, are gone
    assert (found.points[0, 0, 0], found.score[0]) == (11, 1)


def test_a_score_that_is_not_given_is_the_mean_of_the_points(tmp_path):
    path = tmp_path / "cage.h5"
    write_analysis(build_labels(np.full((2, 1, 3, 2), 10, np.float32)), path)
    with h5py.File(path, "a") as file:
        file["instance_scores"][:] = np.nan
        file["tracks"][0, :, 0, 1] = np.nan
    assert read(path).score.tolist() == pytest.approx([0.25, 0.25 * 2 / 3])


def edit(name, change):
    """A fault made by a change to a sound HDF5 file."""

    def make(folder):
        path = folder / name
        WRITERS[name](build_labels(np.full((2, 1, 3, 2), 10, np.float32)), path)
        with h5py.File(path, "a") as file:
            change(file)
        return path

    return make


def set_field(table, field, value):
    def change(file):
        rows = file[table][:]
        rows[field][-1] = value
        file[table][:] = rows

    return change


def put(name, **dataset):
    def change(file):
        del file[name]
        file.create_dataset(name, **dataset)

    return change


def link_out(file):
    del file["tracks"]
    file["tracks"] = h5py.ExternalLink("/etc/passwd", "x")


def write(content, name="cage.slp"):
    def make(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return make


class Trap:
    """What pandas would run."""

    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def deeplabcut(names: bytes):
    def make(folder):
        write_deeplabcut_hdf5(np.ones((2, 1, 3, 2), np.float32), folder / "a.h5", names + b"likelihood")
        return folder / "a.h5"

    return make


def table(change):
    def make(folder):
        write_deeplabcut_csv(np.ones((3, 1, 3, 2), np.float32), folder / "a.csv")
        (folder / "a.csv").write_text(change((folder / "a.csv").read_text()))
        return folder / "a.csv"

    return make


def cut_off(folder):
    path = edit("cage.slp", lambda file: None)(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


FAULTS = {
    "empty": (write(b""), "got an empty one"),
    "cut off": (cut_off, "cut off"),
    "foreign": (write(b"\x89PNG\r\n\x1a\n"), "got an image"),
    "labels' head only": (edit("cage.slp", lambda file: file.pop("frames")), "frames"),
    "points of nobody": (edit("cage.slp", set_field("instances", "point_id_start", 2**40)), "points of the skeleton"),
    "instances of nobody": (edit("cage.slp", set_field("frames", "instance_id_end", 2**62)), "instances"),
    "no such skeleton": (edit("cage.slp", set_field("instances", "skeleton", 9)), "skeletons"),
    "no such video": (edit("cage.slp", set_field("frames", "video", 9)), "videos"),
    "infinite": (edit("cage.slp", set_field("pred_points", "x", np.inf)), "infinite"),
    "frame beyond counting": (edit("cage.slp", set_field("frames", "frame_idx", 2**62)), "frames must be less"),
    "leads out": (edit("cage.analysis.h5", link_out), "/etc/passwd"),
    "other shape": (edit("cage.analysis.h5", put("tracks", shape=(1, 2, 9, 2))), "3 nodes"),
    "a pickle that runs": (deeplabcut(pickle.dumps(Trap(), protocol=0)), "a pickle that calls"),
    "another pickle": (deeplabcut(pickle.dumps(7, protocol=0)), "pred"),
    "a table cut off": (table(lambda text: text[:-9]), "cut off"),
    "a table with words": (table(lambda text: text.replace("1.0", "one", 1)), "damaged"),
    "frames twice": (table(lambda text: text.replace("\n1,", "\n0,")), "each frame once"),
    "a header alone": (table(lambda text: text[: text.index("\n0,")]), "must end in a row"),
    "two scorers": (table(lambda text: text.replace("DLC_resnet50", "other", 1)), "one scorer"),
    "a bomb": (edit("cage.analysis.h5", put("tracks", shape=(1, 2, 3, 10**11), chunks=(1, 2, 3, 1000))), "values"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_file_gets_one_line_that_names_it(name, tmp_path, monkeypatch):
    make, word = FAULTS[name]
    path = make(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PredictionsError) as error:
        described = describe_predictions_file(path)
        list(iter_foreign_instances(path, 0, (0, described.videos[0].frames)))
    said = str(error.value)
    assert said.startswith(str(path)), said
    assert word in said, said
    assert "\n" not in said, said
    assert not Path("ran").exists()


def test_an_analysis_file_without_tracks_has_no_instances(tmp_path):
    path = edit("cage.analysis.h5", put("tracks", shape=(0, 2, 3, 0)))(tmp_path)
    assert len(read(path)) == 0


def test_the_recording_is_told_by_its_path_or_by_the_files_name(tmp_path):
    recordings = [tmp_path / name for name in ("day1/cage.mp4", "day2/cage.mp4", "cage1.mp4", "cage10.mp4")]

    def find(name, recorded=None):
        video = PredictedVideo(number=0, recorded=recorded, frames=1)
        found = find_video(tmp_path / name, video, recordings)
        return found and found.relative_to(tmp_path).as_posix()

    assert find("x.slp", "D:\\lab\\day2\\cage.mp4") == "day2/cage.mp4"
    assert find("x.slp", "/lab/other.mp4") is None
    assert find("cage1DLC_resnet50_shuffle1_100.h5") == "cage1.mp4"
    assert find("cage10_filtered.csv") == "cage10.mp4"
    assert find("cage2.csv") is None
    assert find("day1/cage.csv") == "day1/cage.mp4"
    with pytest.raises(AmbiguousVideoError, match=r"cage\.csv: .*day1.*day2"):
        find("elsewhere/cage.csv")


ONE_NODE = "scorer,DLC,DLC,DLC\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n"
ENSEMBLE = "scorer,eks,eks,eks,eks\nbodyparts,nose,nose,nose,nose\ncoords,x,y,likelihood,x_var\n"
OF_SLEAP = "track,frame_idx,instance.score,nose.x,nose.y,nose.score\n"
SEMICOLONS = str.maketrans(",.", ";,")


@pytest.mark.parametrize(
    "content",
    [
        ONE_NODE + "0,1.5,2,0.5\n2,3,4,0.5\n",
        (ONE_NODE + "0,1.5,2,0.5\n2,3,4,0.5\n").translate(SEMICOLONS),
        ONE_NODE + "0.0,1.5,2,0.5\n2.0,3,4,0.5\n,,,\n\n",
        ENSEMBLE + "0,1.5,2,0.5,9\n2,3,4,0.5,9\n",
        OF_SLEAP + ",0,0.5,1.5,2,0.5\n,2,0.5,3,4,0.5\n",
        OF_SLEAP.replace(",", ";") + ";0;0,5;1,5;2;0,5\n;2;0,5;3;4;0,5\n",
        "video_path," + OF_SLEAP + "a.mp4,,0.0,0.5,1.5,2,0.5\na.mp4,,2.0,0.5,3,4,0.5\n,,,,,,\n",
    ],
)
def test_tables_as_programs_write_and_spreadsheets_save_them(content, tmp_path):
    path = tmp_path / "cage.csv"
    path.write_bytes(b"\xef\xbb\xbf" + content.replace("\n", "\r\n").encode())
    described = describe_predictions_file(path)
    [found] = iter_foreign_instances(path, 0, (0, 3))
    assert described.videos[0].frames == 3
    assert described.videos[0].recorded == ("a.mp4" if "a.mp4" in content else None)
    assert ("columns x_var" in described.left_out) == ("x_var" in content)
    assert (found.frame_idx.tolist(), found.points.tolist()) == ([0, 2], [[[1.5, 2]], [[3, 4]]])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ((ONE_NODE.replace("nose", "nüse") + "0,1,2,0.5\n").encode("cp1252"), "in UTF-8"),
        (ONE_NODE.encode() + b"img001.png,1,2,0.5\n", "single images"),
        (ENSEMBLE.replace("x_var", "z").encode() + b"0,1,2,0.5,9\n", "in px, got x, y, likelihood, z"),
        (
            ("video_path," + OF_SLEAP).encode() + b"a.mp4,,0,1,1,2,1\nb.mp4,,0,1,1,2,1\n",
            "one recording, got a.mp4, b.mp4",
        ),
        (OF_SLEAP.encode() + b",0.5,1,1,2,1\n", "frame's number"),
    ],
)
def test_a_table_that_means_something_else_is_refused(content, words, tmp_path):
    (tmp_path / "cage.csv").write_bytes(content)
    with pytest.raises(PredictionsError, match=words):
        describe_predictions_file(tmp_path / "cage.csv")


@pytest.mark.slow
def test_movements_netcdf_as_xarray_writes_it(tmp_path):
    xarray = pytest.importorskip("xarray")
    poses = np.round(np.random.default_rng(0).uniform(0, 100, (FRAMES, 2, 3, 1)), 1)
    poses[0, 0, 0] = np.nan
    names = {"time": np.arange(FRAMES) / 25, "space": ["x", "y"], "keypoints": list(NODES), "individuals": ["a"]}
    written = xarray.Dataset({"position": (tuple(names), poses)}, names, {"fps": 25.0, "time_unit": "seconds"})
    packed = {"position": {"dtype": "int16", "scale_factor": 0.1, "_FillValue": -1}}
    other = written.sel(space=["y", "x"]).isel(time=slice(2, None))
    for number, (data, encoding) in enumerate([(written, {}), (written, packed), (other, {})]):
        path = tmp_path / f"{number}.nc"
        data.to_netcdf(path, engine="h5netcdf", encoding=encoding)
        assert describe_predictions_file(path).videos[0].fps == 25
        start = 2 * (number == 2)
        found = read(path)
        assert found.frame_idx.tolist() == list(range(start, FRAMES))
        np.testing.assert_allclose(found.points, whole_points(poses.transpose(0, 3, 2, 1)[start:]), atol=1e-5)


@pytest.mark.slow
def test_cameras_in_one_nwb_file_are_recordings_and_other_units_are_refused(tmp_path):
    poses = np.ones((FRAMES, 2, 3, 2), np.float32) * np.arange(1, 3)[:, None, None]
    write_nwb(poses, tmp_path / "cage.nwb")
    with h5py.File(tmp_path / "cage.nwb", "a") as file:
        second = sorted(key for key in file["processing/behavior"] if key != "Skeletons")[1]
        file.copy("acquisition/film", "acquisition/other")
        film = file["acquisition/other"]
        film["external_file"][0] = "right.mp4"
        del file[f"processing/behavior/{second}/source_video"]
        file[f"processing/behavior/{second}/source_video"] = film
    videos = describe_predictions_file(tmp_path / "cage.nwb").videos
    assert [video.recorded for video in videos] == ["../day0/cage.mp4", "right.mp4"]
    assert [read(tmp_path / "cage.nwb", video.number).points.mean() for video in videos] == [1, 2]
    with h5py.File(tmp_path / "cage.nwb", "a") as file:
        file[f"processing/behavior/{second}/nose/data"].attrs["unit"] = "meters"
    with pytest.raises(PredictionsError, match="in px, got meters"):
        describe_predictions_file(tmp_path / "cage.nwb")


@pytest.mark.slow
@pytest.mark.parametrize("by", ["timestamps", "rate"])
def test_poses_of_a_part_of_a_recording_are_of_the_frames_at_their_times(tmp_path, by):
    write_nwb(np.ones((FRAMES, 1, 3, 2), np.float32), tmp_path / "cage.nwb")
    with h5py.File(tmp_path / "cage.nwb", "a") as file:
        if by == "rate":
            file["acquisition/film/starting_time"][()] = 9.0
        else:
            del file["acquisition/film/starting_time"]
            file["acquisition/film/timestamps"] = 9 + np.arange(50) / 25
    assert describe_predictions_file(tmp_path / "cage.nwb").videos[0].frames == 25 + FRAMES
    assert read(tmp_path / "cage.nwb", 0, (0, 50)).frame_idx.tolist() == list(range(25, 25 + FRAMES))


def test_nodes_of_sleap_are_matched_by_name(tmp_path):
    video = sio.Video(filename="cage.mp4", open_backend=False)
    skeletons = [sio.Skeleton(list(NODES)), sio.Skeleton(list(reversed(NODES)))]
    points = np.arange(6.0).reshape(3, 2)
    own = [sio.Instance.from_numpy(p, skeleton=s) for p, s in zip((points, points[::-1] + 9), skeletons, strict=True)]
    frames = [sio.LabeledFrame(video=video, frame_idx=0, instances=own)]
    sio.save_slp(sio.Labels(frames, skeletons=skeletons), str(tmp_path / "a.slp"), embed=False, verbose=False)
    np.testing.assert_array_equal(read(tmp_path / "a.slp").points, [points, points + 9])


def test_points_of_a_cropped_view_lie_in_the_whole_frame(case):
    found = read(case("slp_cropped_view") / "crop.slp")
    np.testing.assert_array_equal(found.points, [[[42, 28], [47, 28], [52, 28]]])


@pytest.mark.parametrize("name", ["a.slp", "a.analysis.h5"])
def test_predictions_on_images_are_of_the_images_that_the_file_lists(name, tmp_path):
    for number in (1, 2, 3, 9, 10):
        (tmp_path / "cage").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"cage/img{number}.png"), np.zeros((20, 30), np.uint8))
    listed = sio.Video(filename=[str(tmp_path / f"cage/img{number}.png") for number in (10, 2, 9)])
    labels = build_labels(np.arange(6).reshape(3, 1, 1, 2) * np.ones((1, 1, 3, 1), np.float32))
    labels.replace_videos(new_videos=[listed])
    WRITERS["cage.slp" if name == "a.slp" else "cage.analysis.h5"](labels, tmp_path / name)
    index = index_video(tmp_path / "cage")
    for part, rows in (((0, 5), {1: 2, 3: 4, 4: 0}), ((0, 2), {1: 2}), ((3, 5), {3: 4, 4: 0})):
        out = tmp_path / f"{part}.parquet"
        import_predictions(tmp_path / name, 0, index, part, out, PredictConfig(flow={"window_frames": 0}), "cage", "")
        table = pd.read_parquet(out)
        assert dict(zip(table["frame_idx"], table["nose.x"], strict=True)) == rows
