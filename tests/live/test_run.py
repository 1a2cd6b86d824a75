"""Whole runs with their threads: the table is whole however a run ends, and the loop is closed."""

import json
import os
import signal
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pyarrow.parquet as pq
import pytest
from fake_live import FACTS, fly, make_pipeline, numbered_image
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.config import TrackingConfig
from poseflow.core.errors import ConfigError, VideoError
from poseflow.live import LiveRun, LiveSettings
from poseflow.live.frames import Frame
from poseflow.live.picture import draw_picture
from poseflow.live.record import FrameSet
from poseflow.runs.explain import explain_frame, explain_table
from poseflow.runs.provenance import describe_live
from poseflow.tables import read_poses

NAMES = ("male", "female")


class Camera:
    """Gives frames every few milliseconds; unplugged after some."""

    facts = FACTS

    def __init__(self, frames=None, every_s=0.002):
        self._frames, self._every_s = frames, every_s
        self.is_closed = False

    def frames(self, channels):
        number = 0
        while number != self._frames:
            sleep(self._every_s)
            yield Frame(number, monotonic(), numbered_image(number))
            number += 1
        raise VideoError("toy must go on giving frames, got none: was it unplugged?")

    def close(self):
        self.is_closed = True


def make_run(camera, out=None, points_of=lambda number: [fly(100, 100), fly(300, 100 + number)], **settings):
    settings = {"max_age_frames": 1000, **settings}
    pipeline = make_pipeline(points_of, names=NAMES)
    checked = LiveSettings(**settings)
    note = describe_live("toy", {}, {"live": checked})
    return LiveRun("toy", pipeline, TrackingConfig(), checked, out, None, note, open=lambda source, asked: camera)


def check_table(path, answered):
    """The table holds both animals of every frame that was answered, and says which these were."""
    poses = read_poses(path)
    assert poses.frame_idx.tolist() == np.repeat(answered, 2).tolist()
    assert (poses.identity.tolist(), poses.track.tolist()) == ([*NAMES] * len(answered), [0, 1] * len(answered))
    assert np.allclose(poses["thorax.y"][1::2], 100 + np.array(answered))
    assert (poses.time_s.diff()[2::2] > 0).all()
    assert poses.timestamp.notna().all()
    note = json.loads(pq.read_metadata(path).metadata[b"poseflow"])
    read = [frame for start, stop in note["frames_read"] for frame in range(start, stop)]
    assert read == answered
    return note


def test_a_source_that_is_unplugged_leaves_a_whole_table(tmp_path):
    camera = Camera(frames=60)
    run = make_run(camera, tmp_path / "a.parquet", pixels_per_mm=2.0)
    answered = []
    with pytest.raises(VideoError, match="was it unplugged"):
        for poses in run.answers():
            answered.append(poses.frame_idx)
    note = check_table(tmp_path / "a.parquet", answered)
    told = "\n".join([*explain_table(tmp_path / "a.parquet"), *explain_frame(tmp_path / "a.parquet", answered[3])])
    assert "Source: toy." in told
    assert "male" in told
    assert (note["pixels_per_mm"], note["fps"], note["image_size"]) == (2, 150, {"width": 64, "height": 48})
    assert camera.is_closed
    assert run.summary[0].startswith(f"toy: {len(answered)} frames answered")
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_a_run_with_a_whole_table(tmp_path, number):
    before = signal.getsignal(number)
    answered = []
    for poses in make_run(Camera(), tmp_path / "a.parquet").answers():
        answered.append(poses.frame_idx)
        if len(answered) in (20, 21):  # twice: somebody is impatient
            os.kill(os.getpid(), number)
    check_table(tmp_path / "a.parquet", answered)
    assert len(answered) < 30
    assert signal.getsignal(number) is before


def test_who_no_longer_asks_ends_a_run_too(tmp_path):
    camera = Camera()
    answers = make_run(camera, tmp_path / "a.parquet").answers()
    answered = [next(answers).frame_idx for _ in range(5)]
    answers.close()
    check_table(tmp_path / "a.parquet", answered)
    assert camera.is_closed


@pytest.mark.slow
def test_the_trigger_fires_on_the_approach_and_on_nothing_else(tmp_path):
    """A male comes up behind a female, stays, and leaves; the female does not move."""
    first, last = 40, 90

    def points_of(number):
        return [fly(420 if first <= number < last else 100, 500), fly(500, 500)]

    near = "distance(male.head, female.abdomen) < 2 * mm and abs(bearing(male.thorax, male.head, female.thorax)) < 25"
    path = tmp_path / "events.jsonl"
    run = make_run(
        Camera(frames=130, every_s=0.005),
        points_of=points_of,
        triggers=(f"approach = {near}",),
        pixels_per_mm=30.3,
        stale_ms=60_000,
        outputs=(f"file:{path}",),
    )
    with pytest.raises(VideoError):
        list(run.answers())
    messages = [json.loads(line) for line in path.read_text().splitlines()]
    events = [message for message in messages if message["kind"] == "trigger"]
    met = {event["frame"] for event in events if event["value"]}
    assert met
    assert min(met) >= first
    assert max(met) < last
    assert [event["value"] for event in events if event["frame"] in range(first, last)] == [1] * sum(
        event["frame"] in range(first, last) for event in events
    )
    assert events[-1]["value"] == 0
    assert len([message for message in messages if message["kind"] == "poses"]) > 20
    assert run.summary[2].startswith("trigger approach: met")
    assert run.summary[3].endswith("0 dropped")


def test_faults_of_settings_come_before_anything_runs(tmp_path):
    camera = Camera()
    for settings, fault in (
        ({"triggers": ("distance(male.tail, female.head) < 1",)}, "must name a node"),
        ({"outputs": ("udp:nowhere",)}, "must be HOST:PORT"),
    ):
        with pytest.raises(ConfigError, match=fault):
            next(make_run(camera, **settings).answers())
    assert camera.is_closed
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="File exists"):
        next(make_run(camera, tmp_path / "file" / "a.parquet").answers())
    with pytest.raises(ConfigError, match="a device, a pipe or a socket"):
        next(make_run(camera, Path("/dev/null")).answers())


def test_the_verb_says_in_the_end_how_it_went(tmp_path, monkeypatch):
    asked = {}

    def prepare(source, models, config, settings):
        asked.update(source=source, animals=config.tracking.animals, settings=settings)
        return make_run(Camera(), **settings.model_dump(exclude={"max_age_frames"}))

    monkeypatch.setattr("poseflow.live.prepare_run", prepare)
    arguments = ["live", "0", "-m", "model", "-o", str(tmp_path / "a.parquet"), "--set", "tracking.animals=2"]
    shown = CliRunner().invoke(app, [*arguments, "--frames", "15", "--size", "64x48", "-t", "two=count == 2"])
    assert shown.exit_code == 0, shown.output
    assert "15 frames answered" in shown.output
    assert "latency, ms: mean" in shown.output
    assert "trigger two: met" in shown.output
    assert (asked["source"], asked["animals"], asked["settings"].size) == ("0", 2, (64, 48))
    assert len(read_poses(tmp_path / "a.parquet")) == 30
    refused = CliRunner().invoke(app, [*arguments, "--size", "64"])
    assert isinstance(refused.exception, ConfigError)


def test_frame_sets_give_their_ranges():
    frames = FrameSet()
    for number in [0, 1, 2, 7, 8, 50_000]:
        frames.add(number)
    assert frames.ranges() == ((0, 3), (7, 9), (50_000, 50_001))
    assert FrameSet().ranges() == ()


def test_the_picture_shows_the_animals():
    import cv2

    [*_, poses] = make_run(Camera(), frames=1).answers()
    image = numbered_image(0).repeat(8, axis=0).repeat(8, axis=1)
    drawn = cv2.imdecode(np.frombuffer(draw_picture(Frame(0, 0.0, image), poses), np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == (384, 512, 3)
    assert drawn[100, 100].max() > 100
    assert drawn[300, 50].max() < 30
