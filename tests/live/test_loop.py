"""The newest frame, always: on a clock of the test's own."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from fake_live import FACTS, FPS, Clock, SimulatedCapture, fly, make_pipeline, number_of, numbered_image

from poseflow.config import TrackingConfig
from poseflow.core.errors import VideoError
from poseflow.live.following import Follower, suit_tracking
from poseflow.live.frames import Frame, Mailbox
from poseflow.live.latency import Latencies
from poseflow.live.loop import LiveLoop
from poseflow.live.settings import LiveSettings


def make_loop(clock, capture, network_s, points_of=lambda number: [fly(100, 100)], names=(), tracking=None, **settings):
    pipeline = make_pipeline(points_of, lambda: clock.work(network_s), names)
    follower = Follower(pipeline, suit_tracking(tracking or TrackingConfig(), bool(names)))
    return LiveLoop(capture, FACTS, follower, LiveSettings(**settings), clock)


def test_the_mailbox_holds_the_newest_frame_and_counts_those_it_replaced():
    mailbox = Mailbox()
    assert mailbox.take(0) is None
    for number in range(3):
        mailbox.put(Frame(number, float(number), numbered_image(number)))
    mailbox.close()
    assert not mailbox.is_done, "the last frame is still there to be taken"
    assert mailbox.take(0).number == 2
    assert (mailbox.skipped, mailbox.put_frames, mailbox.first_time_s, mailbox.is_done) == (2, 3, 0.0, True)


@pytest.mark.parametrize(
    ("network_s", "answered"), [(0.004, 300), (0.010, 200), (0.100, 20)], ids=["quick", "slower", "slow"]
)
def test_the_newest_frame_is_answered_and_none_that_is_old(network_s, answered):
    clock = Clock()
    loop = make_loop(clock, SimulatedCapture(clock, 300), network_s)
    answers = list(loop.answers())
    numbers = [poses.frame_idx for poses in answers]
    assert numbers == sorted(set(numbers))
    waited = [poses.latency_s - network_s for poses in answers]
    assert max(waited) <= 1 / FPS + 1e-9, "older than one frame time when its turn came: there was a newer one"
    if network_s < 1 / FPS:
        assert max(poses.latency_s for poses in answers) <= 2 / FPS
    assert abs(len(answers) - answered) <= 1
    assert loop.answered + loop.skipped + loop.too_old == 300
    assert [poses.time_s for poses in answers] == pytest.approx(np.array(numbers) / FPS)


def test_frames_that_the_source_gives_late_are_passed_over():
    clock = Clock()
    loop = make_loop(clock, SimulatedCapture(clock, 30, late_s=2.5 / FPS), 0.001)
    assert not list(loop.answers())
    assert loop.too_old == 30
    clock = Clock()
    loop = make_loop(clock, SimulatedCapture(clock, 30, late_s=2.5 / FPS), 0.001, max_age_frames=3)
    assert len(list(loop.answers())) == 30


def test_a_source_that_falls_silent_is_an_error():
    clock = Clock()

    class Silent(SimulatedCapture):
        def __init__(self):
            self.mailbox = Mailbox()
            take = self.mailbox.take
            self.mailbox.take = lambda timeout_s: clock.work(timeout_s) or take(0)

    with pytest.raises(VideoError, match="toy must go on giving frames, got none for 5 s: was it unplugged"):
        list(make_loop(clock, Silent(), 0.001).answers())
    assert clock.now - 1000 == pytest.approx(5, abs=0.3)
    late = make_loop(clock, SimulatedCapture(clock, 10_000, late_s=1.0), 0.001)
    with pytest.raises(VideoError, match=r"at most 13 ms old .2 frame times., got none for 5 s, the last 1000 ms old"):
        list(late.answers())


def test_it_ends_after_so_many_frames_or_so_long():
    clock = Clock()
    assert len(list(make_loop(clock, SimulatedCapture(clock, 300), 0.001, frames=7).answers())) == 7
    assert len(list(make_loop(clock, SimulatedCapture(clock, 300), 0.001, seconds=0.5).answers())) in (75, 76)


def test_animals_keep_tracks_and_get_names():
    """Two flies that pass each other, of which the networks sometimes lose one."""

    def points_of(number):
        both = [fly(100 + 2 * number, 100), fly(400 - 2 * number, 130)]
        return both[:1] if number % 10 == 7 else both

    clock = Clock()
    answers = list(make_loop(clock, SimulatedCapture(clock, 150), 0.012, points_of).answers())
    full = [poses for poses in answers if len(poses) == 2]
    assert len(full) > 50
    first_x = {track: full[0].find(track, "thorax")[0] for track in (0, 1)}
    for poses in full:
        for track in (0, 1):
            way = (2 if first_x[track] < 250 else -2) * (poses.frame_idx - full[0].frame_idx)
            assert poses.find(track, "thorax")[0] == pytest.approx(first_x[track] + way)
    clock = Clock()
    named = list(make_loop(clock, SimulatedCapture(clock, 5), 0.001, points_of, ("male", "female")).answers())
    assert [poses.identity for poses in named] == [["male", "female"]] * 5
    assert named[3].find("female", "head").tolist() == pytest.approx([424, 130])
    assert named[3].find("nobody", "head") is None


@pytest.mark.parametrize(("alone_s", "together_s", "size"), [(0.9, 0.06, 2), (0.02, 0.03, 1)], ids=["odd", "usual"])
def test_a_picture_gets_a_black_one_beside_it_where_that_is_quicker(alone_s, together_s, size):
    """TensorFlow with oneDNN, without AVX512: 904 ms for one picture, 60 for two."""
    clock, sizes = Clock(), []
    whole = make_pipeline(lambda number: [fly(100 + number, 100)])

    def run(images):
        sizes.append(len(images))
        clock.work(alone_s if len(images) == 1 else together_s)
        return whole.run(images)

    follower = Follower(replace(whole, run=run), suit_tracking(TrackingConfig(), False), clock)
    follower.warm_up((48, 64, 1))
    found, tracks = follower.follow(numbered_image(7))
    assert (sizes[-1], len(tracks)) == (size, 1)
    assert found.points[0, 1].tolist() == [107, 100]


def test_settings_that_need_frames_to_come_are_replaced():
    config = suit_tracking(TrackingConfig(identity="per_tracklet"), names=True)
    assert (config.candidates, config.identity) == ("kalman", "per_frame")
    assert suit_tracking(TrackingConfig(candidates="window"), names=False) == TrackingConfig(candidates="window")


def test_latencies_are_those_that_were_counted():
    values = np.random.default_rng(0).gamma(4, 0.002, 5000)
    latencies = Latencies()
    for value in [*values.tolist(), 60.0]:
        latencies.add(value)
    values = np.append(values, 60.0)
    assert latencies.mean_s == pytest.approx(values.mean())
    assert latencies.jitter_s == pytest.approx(values.std())
    for percent in (50, 95, 99):
        assert latencies.percentile_s(percent) == pytest.approx(np.percentile(values, percent), abs=2e-4)
    assert latencies.describe_ms()["longest"] == 60_000
    assert Latencies().describe_ms() == dict.fromkeys(("mean", "p95", "p99", "jitter", "longest"), 0)


def test_memory_does_not_grow_with_the_recording():
    """Animals that come and go, so that tracks begin and end all the time."""

    def points_of(number):
        return [fly(100, 100), fly(50 + 37 * (number // 5 * 7919 % 100), 300 + 400 * (number // 5 % 7))]

    clock = Clock()
    strict = TrackingConfig(min_similarity=0.1, max_gap_frames=10)
    loop = make_loop(clock, SimulatedCapture(clock, 1000), 0.001, points_of, tracking=strict)
    sizes, tracks = [], []
    for poses in loop.answers():
        if poses.frame_idx % 200 == 199:
            sizes.append(len(pickle.dumps(loop._follower._tracker)))
            tracks.append(int(poses.track.max()))
    assert tracks[-1] - tracks[0] > 100
    assert sizes[-1] - sizes[0] <= 32 * (tracks[-1] - tracks[0]), "some bytes for each tracklet, and no more"


def test_images_say_which_frame_they_are():
    """Of the test's own tools."""
    assert [number_of(numbered_image(number)) for number in (0, 255, 70_000)] == [0, 255, 70_000]
