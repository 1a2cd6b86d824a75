"""Predictions of other programs: points as they are in the file, and one line for what is no such file."""

import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import sleap_io as sio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseflow.core.errors import AmbiguousVideoError, PredictionsError
from poseflow.exchange.predictions import (
    PredictedVideo,
    describe_predictions_file,
    find_video,
    iter_foreign_instances,
    slp,
)
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


WRITERS = {
    "cage.slp": lambda labels, path: sio.save_slp(labels, str(path), embed=False, verbose=False),
    "cage.analysis.h5": write_analysis,
    "cage.standard.h5": lambda labels, path: write_analysis(labels, path, "standard"),
}


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
    "a bomb": (edit("cage.analysis.h5", put("tracks", shape=(1, 2, 3, 10**11), chunks=(1, 2, 3, 1000))), "values"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_file_gets_one_line_that_names_it(name, tmp_path):
    make, word = FAULTS[name]
    path = make(tmp_path)
    with pytest.raises(PredictionsError) as error:
        described = describe_predictions_file(path)
        list(iter_foreign_instances(path, 0, (0, described.videos[0].frames)))
    said = str(error.value)
    assert said.startswith(str(path)), said
    assert word in said, said
    assert "\n" not in said, said


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
