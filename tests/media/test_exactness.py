"""A frame is the same image, under the same number, however it is reached."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poseflow.core.errors import VideoError
from poseflow.media import index_video, open_video

OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:bframes=3:b-pyramid=normal"}

FORMATS: dict[str, dict[str, Any]] = {
    "b-frames.mp4": {},
    "b-frames.mkv": {},
    "b-frames.mov": {},
    "b-frames.ts": {},
    "b-frames.flv": {},
    "b-frames.avi": {},  # no timestamps: the order of display is found by decoding
    "b-frames.h264": {},
    "open-gop.mp4": {"options": OPEN_GOP},
    "open-gop.ts": {"options": OPEN_GOP},
    "short-gop.mp4": {"gop": 3},
    "all-intra.mp4": {"gop": 1, "bframes": 0},
    "one-gop.mp4": {"gop": 250},
    "intra-refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=12:bframes=0"}},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "keyint=12:open-gop=1:log-level=none"}},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg2.mpg": {"codec": "mpeg2video"},
    "mjpeg.avi": {"codec": "mjpeg", "bframes": None, "pix_fmt": "yuvj420p"},
    "ffv1.mkv": {"codec": "ffv1", "bframes": None, "pix_fmt": "gray"},
    "ten-bit.mkv": {"pix_fmt": "yuv420p10le"},
    "raw.avi": {"codec": "rawvideo", "bframes": None, "pix_fmt": "gray"},
    "variable.mp4": {"pts": np.cumsum(np.resize([40, 33, 47, 40, 80], 100)).tolist()},
    "variable.mkv": {"pts": np.cumsum(np.resize([40, 33, 47, 40, 80], 100)).tolist()},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_frames_carry_their_numbers_in_any_format(name: str, tmp_path: Path, clips: Any) -> None:
    index = index_video(clips.encode(tmp_path / name, **FORMATS[name]))
    assert (index.status, index.frames) == ("ok", 100)
    with open_video(index, threads=2) as video:
        frames = dict(video.read(0, 100))
        assert [clips.number(image) for image in frames.values()] == list(range(100))
        for start, stop in ((97, 100), (13, 14), (5, 71), (64, 66), (11, 13)):
            for idx, image in video.read(start, stop):
                np.testing.assert_array_equal(image, frames[idx])
        scattered = dict(video.read_frames([99, 0, 65, 12, 11, 65]))
    assert list(scattered) == [0, 11, 12, 65, 99]
    for idx, image in scattered.items():
        np.testing.assert_array_equal(image, frames[idx])


def test_images_are_those_of_a_plain_decoder(clip: Path) -> None:
    with av.open(str(clip)) as container:
        luma = [frame.to_ndarray()[:48] for frame in container.decode(video=0)]
    with open_video(index_video(clip)) as video:
        for idx, image in video.read(0, 150):
            expected = np.clip(np.round((luma[idx].astype(float) - 16) * 255 / 219), 0, 255)
            assert image is not None
            np.testing.assert_array_equal(image[..., 0], expected)


@pytest.mark.slow
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(1, 149), max_size=7), st.sampled_from([1, 2, 3]), st.sampled_from([1, 3]))
def test_any_sharding_gives_the_same_images(clip: Path, borders: set[int], threads: int, channels: int) -> None:
    index = index_video(clip)
    with open_video(index, threads=1) as video:
        whole = [image for _, image in video.read(0, 150, channels)]
    edges = [0, *sorted(borders), 150]
    for start, stop in pairwise(edges):
        with open_video(index, threads) as video:
            shard = list(video.read(start, stop, channels))
        assert [idx for idx, _ in shard] == list(range(start, stop))
        for idx, image in shard:
            np.testing.assert_array_equal(image, whole[idx])


@pytest.mark.slow
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 149), min_size=1, max_size=5), max_size=4))
def test_one_open_video_may_be_asked_in_any_order(clip: Path, clips: Any, questions: list[list[int]]) -> None:
    with open_video(index_video(clip), threads=2) as video:
        for question in questions:
            answer = [(idx, clips.number(image)) for idx, image in video.read_frames(question)]
            assert answer == [(idx, idx) for idx in sorted(set(question))]


def test_a_read_may_be_abandoned(clip: Path, clips: Any) -> None:
    with open_video(index_video(clip), threads=3) as video:
        first = video.read(0, 150)
        assert next(first)[0] == 0
        assert [clips.number(image) for _, image in video.read(140, 150)] == list(range(140, 150))
        assert clips.number(next(first)[1]) == 1


def test_shards_of_a_real_recording_agree(real_data: Path) -> None:
    index = index_video(real_data / "courtship" / "courtship_part1.mp4")
    assert (index.frames, index.fps, index.variable_fps) == (2000, 25.0, False)
    with open_video(index) as video:
        whole = {idx: hash(image.tobytes()) for idx, image in video.read(230, 520) if image is not None}
    assert len(whole) == 290
    for start, stop in ((230, 251), (251, 400), (400, 401), (401, 520)):
        with open_video(index, threads=1) as video:
            for idx, image in video.read(start, stop):
                assert image is not None
                assert hash(image.tobytes()) == whole[idx]


def test_frames_that_an_edit_list_cuts_off_do_not_count(clip: Path, tmp_path: Path, clips: Any) -> None:
    """Stream-copied from the middle of a GOP: decoding starts before the first frame that is displayed."""
    path = tmp_path / "cut.mp4"
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        assert stream.time_base is not None
        shift = round(Fraction(5, 25) / stream.time_base)
        for packet in source.demux(stream):
            if packet.size and packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
                target.mux(packet)
    index = index_video(path)
    assert index.frames == 145
    with open_video(index, threads=2) as video:
        assert [clips.number(image) for _, image in video.read(0, 145)] == list(range(5, 150))
        assert [clips.number(image) for _, image in video.read(3, 9)] == list(range(8, 14))


def test_frames_before_the_first_keyframe_count_but_cannot_be_decoded(clip: Path, tmp_path: Path, clips: Any) -> None:
    path = tmp_path / "tail.ts"
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for ordinal, packet in enumerate(source.demux(stream)):
            if packet.size and ordinal >= 6:
                packet.stream = copy
                target.mux(packet)
    index = index_video(path)
    assert index.frames == 150 - 6
    assert "6 packets come before the first keyframe" in " ".join(index.problems)
    with open_video(index) as video:
        assert [clips.number(image) for _, image in video.read(0, 144)] == [None] * 6 + list(range(12, 150))
        assert [clips.number(image) for _, image in video.read(4, 8)] == [None, None, 12, 13]


@pytest.mark.slow
def test_a_recording_without_times_that_was_cut_out_of_another_loses_its_first_b_frames_only(
    tmp_path: Path, clips: Any
) -> None:
    """Those of an open GOP, which are stored after its keyframe and displayed before it."""
    whole = clips.encode(tmp_path / "whole.ts", frames=100, options=OPEN_GOP)
    path = tmp_path / "cut.avi"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        begin = [place for place, packet in enumerate(packets) if packet.is_keyframe][2]
        for ordinal, packet in enumerate(packets[begin:]):
            packet.pts = packet.dts = ordinal
            packet.time_base, packet.stream = Fraction(1, 25), copy
            target.mux(packet)
    index = index_video(path)
    with open_video(index) as video:
        numbers = [clips.number(image) for _, image in video.read(0, index.frames)]
    lost = numbers.count(None)
    assert 0 < lost <= 3
    assert numbers == [None] * lost + list(range(100 - len(numbers) + lost, 100))


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (5, 4), (0, 151)])
def test_frames_outside_the_video_are_refused(clip: Path, start: int, stop: int) -> None:
    with open_video(index_video(clip)) as video, pytest.raises(VideoError, match=r"frames must be within 0 to 150"):
        video.read(start, stop)


def test_other_channels_than_grey_or_rgb_are_refused(clip: Path) -> None:
    with open_video(index_video(clip)) as video, pytest.raises(VideoError, match=r"channels must be 1 .* or 3 .*got 4"):
        video.read(0, 1, channels=4)


def test_a_slow_reader_does_not_fill_the_memory(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poseflow.media import container

    ready: list[int] = []
    monkeypatch.setattr(container, "_WAITING_FRAMES", 4)
    monkeypatch.setattr(container, "image_of", lambda frame, *_: ready.append(frame.pts) or np.zeros((1, 1, 1)))
    with open_video(index_video(clip), threads=2) as video:
        for read, _ in enumerate(video.read(0, 150), start=1):
            assert len(ready) - read <= 2 * (4 + 1)
    assert sorted(ready) == list(range(150))
