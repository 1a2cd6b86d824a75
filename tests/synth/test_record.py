"""Synthetic recordings on disk: an ordinary video, and the truth about it."""

import tracemalloc

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
import sleap_io as sio
from pydantic import ValidationError

from poseflow.config.synth import SynthConfig
from poseflow.synth import IDENTITIES, SKELETON, film_cage, render_cage, simulate_cage
from poseflow.synth.record import label_step
from poseflow.synth.truth import open_truth

pytestmark = pytest.mark.slow  # it films

SMALL = {"width": 256, "height": 192, "animals": 2, "seed": 3}


@pytest.fixture(scope="module")
def config():
    return SynthConfig(frames=130, gop=50, label_every=7, **SMALL)


@pytest.fixture(scope="module")
def recording(tmp_path_factory, config):
    return render_cage(tmp_path_factory.mktemp("synth") / "cage one.mp4", config)


def test_the_video_has_b_frames_and_several_keyframes(recording, config):
    with av.open(str(recording.video)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 25
    assert len(packets) == config.frames
    assert sum(packet.is_keyframe for packet in packets) >= 3
    assert [packet.pts for packet in packets] != sorted(packet.pts for packet in packets)
    assert any(packet.pts != packet.dts for packet in packets)


def test_the_truth_holds_every_frame_and_animal(recording, config):
    table = pq.read_table(recording.truth).to_pandas()
    assert len(table) == config.frames * config.animals
    assert list(table["frame_idx"][:4]) == [0, 0, 1, 1]
    assert list(table["identity"][:2]) == list(IDENTITIES[:2])
    poses = list(simulate_cage(config.frames, config.animals, config.seed, size=(256, 192)))
    found = table[[f"{node}.{axis}" for node in SKELETON.nodes for axis in "xy"]].to_numpy().reshape(-1, 2, 14, 2)
    np.testing.assert_allclose(found, np.stack([frame.points for frame in poses]), atol=1e-4)
    seen = table[[f"{node}.visible" for node in SKELETON.nodes]].to_numpy().reshape(-1, 2, 14)
    np.testing.assert_array_equal(seen, np.stack([frame.visible for frame in poses]))


def test_the_labels_are_the_visible_truth_of_every_seventh_frame(recording, config):
    labels = sio.load_slp(str(recording.labels))
    assert labels.skeletons[0].node_names == list(SKELETON.nodes)
    assert len(labels.skeletons[0].edges) == 13
    assert labels.video.filename.endswith("cage one.mp4")
    assert labels.video.shape[:3] == (config.frames, 192, 256)
    labeled = {frame.frame_idx: frame for frame in labels}
    poses = list(simulate_cage(config.frames, config.animals, config.seed, size=(256, 192)))
    shown = [frame for frame in poses[::7] if frame.visible[:, :10].any()]
    assert set(labeled) == {frame.frame_idx for frame in shown}
    for frame in shown:
        instances = {instance.track.name: instance for instance in labeled[frame.frame_idx].instances}
        for name, points, visible in zip(frame.identities, frame.points, frame.visible, strict=True):
            assert (name in instances) == bool(visible[:10].any())
            if name in instances:
                assert type(instances[name]) is sio.Instance
                expected = np.where(visible[:, None], points, np.nan)
                np.testing.assert_allclose(instances[name].numpy(), expected, atol=1e-3)


def test_the_same_settings_give_the_same_files(recording, config, tmp_path):
    again = render_cage(tmp_path / "cage one.mp4", config)
    assert again.video.read_bytes() == recording.video.read_bytes()
    assert again.truth.read_bytes() == recording.truth.read_bytes()


def test_a_frame_does_not_depend_on_those_before_it_being_filmed(config):
    """Noise and light are functions of the frame's number alone."""
    first = [frame for _, frame in film_cage(config.model_copy(update={"frames": 12, "light": "day"}))]
    longer = [frame for _, frame in film_cage(config.model_copy(update={"frames": 20, "light": "day"}))]
    np.testing.assert_array_equal(first[11], longer[11])
    assert not np.array_equal(first[10], first[11])


def test_light_switches_between_color_and_infrared():
    config = SynthConfig(frames=40, light_period_frames=10, **SMALL)
    grey = [bool((frame[..., 0] == frame[..., 2]).all()) for _, frame in film_cage(config)]
    assert grey == [False] * 10 + [True] * 10 + [False] * 10 + [True] * 10


def test_the_camera_is_dazzled_when_the_light_switches():
    frames = [frame.mean() for _, frame in film_cage(SynthConfig(frames=80, light_period_frames=40, **SMALL))]
    assert frames[40] > 1.3 * frames[79]
    assert frames[40] > frames[43] > frames[50]


@pytest.mark.parametrize("light", ["day", "infrared"])
def test_animals_are_no_brighter_than_bedding_alone_tells(light):
    """Bedding has the color of fur: a threshold on brightness does not find the animals."""
    config = SynthConfig(frames=1, light=light, width=640, height=448, animals=4, seed=2)
    poses, frame = next(iter(film_cage(config)))
    grey = frame.mean(axis=-1)
    spines = poses.points[:, 5:10][poses.visible[:, 5:10]].round().astype(int)
    on_fur = grey[spines[:, 1], spines[:, 0]]
    low, high = np.percentile(grey, [5, 95])
    assert ((on_fur > low) & (on_fur < high)).mean() > 0.3


def test_memory_does_not_grow_with_the_recording(tmp_path, monkeypatch):
    monkeypatch.setattr("poseflow.synth.truth._FRAMES_AT_ONCE", 20)

    def peak(frames):
        config = SynthConfig(frames=frames, light="day", **{**SMALL, "width": 192, "height": 160})
        with open_truth(tmp_path / f"{frames}.parquet") as truth:
            film = film_cage(config)
            truth.append(next(film)[0])  # the scenery is painted
            tracemalloc.start()
            for poses, _ in film:
                truth.append(poses)
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return most

    peak(5)
    assert peak(80) < peak(30) + 500_000  # the 50 frames more are 5 MB


def test_a_long_recording_does_not_have_more_labels_than_a_person_could_set():
    assert label_step(SynthConfig(frames=1000)) == 10
    assert label_step(SynthConfig(frames=43_000_000)) == 8600
    assert label_step(SynthConfig(frames=43_000_000, label_every=25)) == 25


def test_a_failed_recording_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("poseflow.synth.record.write_video", fail)
    with pytest.raises(OSError, match="disk full"):
        render_cage(tmp_path / "cage.mp4", SynthConfig(frames=3, **SMALL))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"animals": 7}, "less than or equal to 6"),
        ({"body_px": 200}, "body_px must be at most a third of the shorter side"),
        ({"animal": 2}, "did you mean 'animals'"),
    ],
)
def test_settings_that_cannot_be_met_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        SynthConfig(**settings)
