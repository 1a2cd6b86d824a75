"""Where live frames come from: what is opened, when a frame was taken, and how a source ends."""

import cv2
import numpy as np
import pytest
from fake_live import Clock

from poseflow.core.errors import ConfigError, VideoError
from poseflow.live.sources import SourceSettings, open_source, parse_source
from poseflow.live.sources.camera import Camera, open_camera, open_stream
from poseflow.live.sources.playback import VideoPlayback
from poseflow.media import write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("live") / "a.mp4"
    write_video(path, (np.full((48, 64, 1), 10 * number, np.uint8) for number in range(20)), fps=150)
    return str(path)


def play(video, settings=SourceSettings(), decode_s=0.0, frames=100):
    """Numbers, time stamps and times at which frames came, s after the first one."""
    clock = Clock()
    source = VideoPlayback(video, settings, clock, clock.work)
    found = []
    for frame in source.frames(1):
        found.append((frame.number, frame.time_s - 1000, clock() - 1000, frame.image.mean()))
        clock.work(decode_s)
        if len(found) == frames:
            break
    return np.array(found).T


def test_a_video_plays_at_its_own_rate_or_another(video):
    numbers, stamps, came, values = play(video)
    assert numbers.tolist() == list(range(20))
    assert stamps == pytest.approx(np.arange(20) / 150, abs=1e-4)
    assert came == pytest.approx(stamps)
    assert np.abs(values - 10 * np.arange(20)).max() < 3
    assert play(video, SourceSettings(rate=30))[2] == pytest.approx(np.arange(20) / 30)
    assert VideoPlayback(video, SourceSettings()).facts.fps == pytest.approx(150, abs=0.1)


def test_a_video_that_decodes_too_slowly_gives_old_frames(video):
    _, stamps, came, _ = play(video, decode_s=0.02)
    assert stamps == pytest.approx(np.arange(20) / 150, abs=1e-4)
    assert came == pytest.approx(0.02 * np.arange(20))


def test_a_video_may_begin_anew(video):
    numbers, stamps, _, _ = play(video, SourceSettings(repeat=True), frames=50)
    assert numbers.tolist() == list(range(50))
    assert stamps == pytest.approx(np.arange(50) / 150, abs=1e-3)


class FakeCapture:
    """As `cv2.VideoCapture`: three BGR frames, then nothing."""

    def __init__(self, stamps=(), color=True):
        self.stamps, self.taken, self.color = [0, *stamps], -1, color

    def grab(self):
        self.taken += 1
        return self.taken < 4

    def retrieve(self):
        image = np.zeros((48, 64, 3), np.uint8)
        image[..., 2] = 100
        return True, image if self.color else image[..., 2]

    def get(self, key):
        if key == cv2.CAP_PROP_FPS:
            return 150.0
        return self.stamps[self.taken] * 1000 if self.taken < len(self.stamps) else 0.0

    def release(self):
        self.taken = 99


def test_a_camera_stamps_frames_by_its_driver_where_that_has_this_clock():
    clock = Clock()
    camera = Camera("cam", FakeCapture([999.99, 5.0, 1000.1]), clock)
    assert (camera.facts.width, camera.facts.height, camera.facts.has_color) == (64, 48, True)
    frames = camera.frames(3)
    assert [next(frames).time_s for _ in range(3)] == pytest.approx([999.99, 1000.0, 1000.0])


def test_a_camera_that_is_unplugged_has_failed():
    camera = Camera("cam", FakeCapture(), Clock())
    numbers = []
    with pytest.raises(VideoError, match="cam must go on giving frames, got none after frame 2: was it unplugged"):
        for frame in camera.frames(3):
            numbers.append(frame.number)
            assert frame.image[0, 0].tolist() == [100, 0, 0], "RGB"
    assert numbers == [0, 1, 2]
    camera.close()


def test_grey_and_color_are_what_the_networks_ask_for():
    grey = next(Camera("cam", FakeCapture(color=False), Clock()).frames(1)).image
    assert (grey.shape, grey[0, 0, 0]) == ((48, 64, 1), 100)
    assert next(Camera("cam", FakeCapture(color=False), Clock()).frames(3)).image.shape == (48, 64, 3)
    assert next(Camera("cam", FakeCapture(), Clock()).frames(1)).image[0, 0, 0] == 30


def test_what_a_source_is_shows_in_its_name(video):
    assert parse_source("0") == ("camera", "0")
    assert parse_source("/dev/video2") == ("camera", "/dev/video2")
    assert parse_source("rtsp://10.0.0.7:554/cage") == ("stream", "rtsp://10.0.0.7:554/cage")
    assert parse_source("v4l2src ! appsink")[0] == "stream"
    assert parse_source(video) == ("video", video)
    assert parse_source("camera:1") == ("camera", "1")
    with pytest.raises(ConfigError, match=r"SOURCE must be a camera's number.*'cage1.mp4'"):
        parse_source("cage1.mp4")


@pytest.mark.slow
def test_what_cannot_be_opened_is_told_in_one_line(tmp_path, capfd):
    with pytest.raises(VideoError, match="/dev/video99 must be a camera, got nothing there: is it plugged in"):
        open_camera("99", SourceSettings())
    with pytest.raises(VideoError, match="must be a number or a device"):
        open_camera("front", SourceSettings())
    with pytest.raises(VideoError, match="OpenCV cannot open"):
        open_stream("udp://127.0.0.1:9?timeout=1000", SourceSettings())
    with pytest.raises(VideoError, match=r"end with appsink|built with GStreamer"):
        open_stream("videotestsrc ! fakesink", SourceSettings())
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError, match="must be a readable recording"):
        open_source(str(tmp_path / "a.mp4"), SourceSettings())
