"""Clocks that restart, stand still or have holes; headers that promise what is not there."""

import re
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.media import VideoIndex, estimate_frames, index_video, open_video
from poseflow.media.clock import find_doubtful, join_parts, split_at_restarts


def read_numbers(index: VideoIndex, clips: Any, threads: int = 2) -> list[int | None]:
    with open_video(index, threads) as video:
        return [clips.number(image) for _, image in video.read(0, index.frames)]


def copy_packets(source: Path, target: Path, keep: Callable[[int], bool], shift: Callable[[int], int] = int) -> Path:
    """Copy packets, chosen by their place, with their timestamps moved by so many frames of 25 in a second."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        for place, packet in enumerate(packet for packet in read.demux(stream) if packet.size):
            if keep(place):
                moved = round(shift(place) / 25 / stream.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + moved, packet.dts + moved, copy
                written.mux(packet)
    return target


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "codec", "bframes"),
    [(".ts", "libx264", 2), (".ts", "libx264", 0), (".ts", "mpeg2video", 2), (".mpg", "mpeg2video", 2)],
)
def test_joined_recordings_follow_each_other(suffix: str, codec: str, bframes: int, tmp_path: Path, clips: Any) -> None:
    """As `cat a b > c` joins them, and cameras that start again."""
    whole = clips.encode(tmp_path / f"a{suffix}", codec, frames=50, bframes=bframes)
    alone = read_numbers(index_video(whole), clips)
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(whole.read_bytes() * 3)
    index = index_video(path)
    assert any("its clock restarts 2 times" in problem for problem in index.problems)
    assert index.frames == 3 * len(alone)
    assert np.all(np.diff(index.time_s()) > 0)
    for threads in (1, 2):
        numbers = read_numbers(index, clips, threads)
        wrong = [found for found, right in zip(numbers, alone * 3, strict=True) if found not in (right, None)]
        assert not wrong
        assert sum(number is None for number in numbers) <= 2 * 12 + alone.count(None) * 3


def test_the_case_of_two_joined_recordings(case: Callable[[str], Path], clips: Any) -> None:
    index = index_video(case("ts_joined_of_two_recordings") / "cat.ts")
    assert index.frames == 100
    assert "its clock restarts 1 times" in index.problems[0]
    assert np.all(np.diff(index.time_s()) > 0)
    numbers = read_numbers(index, clips)
    assert all(number in (place, None) for place, number in enumerate(numbers))
    assert sum(number is None for number in numbers) <= 2


@pytest.mark.slow
@given(
    st.lists(st.integers(4, 60), min_size=1, max_size=5),
    st.integers(1, 10_000),
    st.integers(-1000, 1000),
    st.lists(st.integers(0, 10**6), max_size=2),
)
def test_parts_begin_where_the_clock_does(lengths: list[int], step: int, start: int, outliers: list[int]) -> None:
    dts = np.concatenate([start + step * np.arange(length) for length in lengths])
    parts = split_at_restarts(dts, np.ones(len(dts), bool))
    assert parts.tolist() == np.repeat(np.arange(len(lengths)), lengths).tolist()
    joined = join_parts(dts, parts)
    assert joined.tolist() == (start + step * np.arange(len(dts))).tolist()
    spoilt = start + step * np.arange(60)
    spoilt[30] += 10**9 + sum(outliers)
    assert not split_at_restarts(spoilt, np.ones(60, bool)).any()
    spoilt[30] -= 2 * 10**9 + 2 * sum(outliers)
    assert not split_at_restarts(spoilt, np.ones(60, bool)).any()


def test_a_time_lapse_is_whole(case: Callable[[str], Path]) -> None:
    index = index_video(case("timelapse_called_cut_off") / "slow.mp4")
    assert (index.frames, index.problems) == (30, ())


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".flv"])
def test_slow_and_late_recordings_are_whole(suffix: str, tmp_path: Path, clips: Any) -> None:
    lapse = [10_000 * number for number in range(20)]
    assert index_video(clips.encode(tmp_path / f"lapse{suffix}", frames=20, bframes=0, pts=lapse)).problems == ()
    late = [7000 + 40 * number for number in range(50)]
    index = index_video(clips.encode(tmp_path / f"late{suffix}", frames=50, bframes=0, pts=late))
    assert (index.problems, index.frames) == ((), 50)
    assert read_numbers(index, clips) == list(range(50))


def test_dropped_frames_are_no_cut(case: Callable[[str], Path]) -> None:
    index = index_video(case("avi_dropped_frames_called_cut_off") / "skip.avi")
    assert index.frames == 90
    assert index.problems == ("10 of 100 frames were dropped when it was recorded; times keep the gaps",)
    assert index.time_s()[-1] == pytest.approx(99 / 25)


def test_a_header_that_promises_billions_is_not_believed(case: Callable[[str], Path]) -> None:
    path = case("avi_header_promises_billions") / "len.avi"
    assert (estimate_frames(path), index_video(path).frames) == (50, 50)


def test_a_duration_of_years_is_not_believed(tmp_path: Path, clips: Any) -> None:
    path = clips.encode(tmp_path / "a.mkv", frames=50)
    content = bytearray(path.read_bytes())
    place = content.index(b"\x44\x89\x88") + 3  # Matroska's Duration, a double in milliseconds
    content[place : place + 8] = np.array(1e15, ">f8").tobytes()
    path.write_bytes(content)
    assert estimate_frames(path) == 50
    assert index_video(path).frames == 50


def test_a_lost_packet_makes_frames_doubtful_up_to_the_next_keyframe(tmp_path: Path, clips: Any) -> None:
    whole = clips.encode(tmp_path / "whole.mkv", frames=60, bframes=0)
    index = index_video(copy_packets(whole, tmp_path / "lossy.mkv", lambda place: place not in (15, 16, 41)))
    assert index.frames == 57
    # Frames 15 to 21 were 17 to 23; 38 to 44 were 41 to 47.
    assert index.doubtful.values().tolist() == [*range(15, 22), *range(39, 45)]
    assert index.doubtful_ranges == [(15, 22), (39, 45)]
    assert any("2 holes in its times" in problem and "(15 to 21, 39 to 44)" in problem for problem in index.problems)


def test_what_depends_on_nothing_is_not_doubtful(tmp_path: Path, clips: Any) -> None:
    whole = clips.encode(tmp_path / "whole.mkv", "mjpeg", frames=60, bframes=None, pix_fmt="yuvj420p")
    index = index_video(copy_packets(whole, tmp_path / "lossy.mkv", lambda place: place != 30))
    assert (index.frames, len(index.doubtful), index.problems) == (59, 0, ())
    keyframe = copy_packets(
        clips.encode(tmp_path / "b.mkv", frames=60, bframes=0), tmp_path / "gap.mkv", lambda place: not 20 <= place < 24
    )
    assert len(index_video(keyframe).doubtful) == 0


def test_a_rate_that_varies_by_itself_has_no_holes() -> None:
    ticks = np.cumsum(np.resize([40, 33, 47, 40, 80], 60))
    assert find_doubtful(ticks, np.arange(0, 60, 12))[1] is None
    assert find_doubtful(ticks[:1], np.array([0]))[1] is None


@pytest.mark.parametrize(
    ("length_ms", "start", "shown"),
    [(4000, 12 * 512, (12, 60)), (1000, 0, (0, 24)), (800, -1, (0, 0)), (800, 10**7, (0, 0))],
)
def test_what_an_edit_list_hides_is_not_called_cut_off(
    length_ms: int, start: int, shown: tuple[int, int], tmp_path: Path, clips: Any
) -> None:
    """Players, OpenCV and so SLEAP show the rest as the whole, counted from 0."""
    path = clips.encode(tmp_path / "cut.mp4", frames=60, bframes=0)
    content = bytearray(path.read_bytes())
    place = content.index(b"elst") + 12
    content[place : place + 8] = struct.pack(">Ii", length_ms, start)
    path.write_bytes(content)
    index = index_video(path)
    said = index.reason if index.reason else " ".join(index.problems)
    assert "cut off" not in said
    assert re.search(r"\d+ packets are not displayed, by the file's own account", said)
    numbers = []
    if index.is_ok:
        with open_video(index) as video:
            numbers = [clips.number(image) for _, image in video.read(0, index.frames)]
    capture, seen = cv2.VideoCapture(str(path)), []
    while (image := capture.read()[1]) is not None:
        seen.append(clips.number(image))
    assert numbers == seen
    assert not numbers or abs(numbers[0] - shown[0]) <= 1 >= abs(numbers[-1] + 1 - shown[1])


def test_a_picture_that_changes_its_size_is_named(tmp_path: Path, clips: Any) -> None:
    path = tmp_path / "a.ts"
    with av.open(str(tmp_path / "b.ts"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.gop_size = 64, 32, "yuv420p", 12
        for number in range(50):
            image = np.full((32, 64), number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="gray").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    path.write_bytes(
        clips.encode(tmp_path / "c.ts", frames=50, bframes=0).read_bytes() + (tmp_path / "b.ts").read_bytes()
    )
    index = index_video(path)
    assert (index.frames, index.width, index.height) == (100, 96, 48)
    assert any("change their size" in problem and "64 x 32" in problem for problem in index.problems)
    assert read_numbers(index, clips)[:48] == list(range(48))
    assert read_numbers(index, clips)[52:] == [None] * 48


@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
def test_a_file_of_which_only_the_first_part_can_be_read_says_so(suffix: str, tmp_path: Path, clips: Any) -> None:
    whole = clips.encode(tmp_path / f"a{suffix}", frames=50, bframes=0)
    assert index_video(whole).problems == ()
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(whole.read_bytes() * 2)
    index = index_video(path)
    place = whole.stat().st_size
    assert (index.frames, index.problems) == (
        50,
        (f"is read up to byte {place} only, where another file is joined to it",),
    )


def test_fragments_behind_damage_are_told_as_lost(clip: Path, tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.mp4", tmp_path / "damaged.mp4"
    flags = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(str(clip)) as source, av.open(str(whole), "w", options=flags) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert (index_video(whole).frames, index_video(whole).problems) == (150, ())
    content = whole.read_bytes()
    places = [found.start() for found in re.finditer(b"moof", content)]
    path.write_bytes(content[: places[5] - 4] + content[places[5] + 100 :])
    index = index_video(path)
    assert index.frames < 150
    assert f"is read up to byte {places[5] - 4} only, where it is damaged" in index.problems


def test_an_flv_whose_clock_restarts_is_read_to_its_end(tmp_path: Path, clips: Any) -> None:
    whole = clips.encode(tmp_path / "a.flv", frames=50, bframes=0).read_bytes()
    path = tmp_path / "restarted.flv"
    path.write_bytes(whole + whole[13:])
    index = index_video(path)
    assert index.frames == 100
    assert "its clock restarts 1 times" in index.problems[0]
    assert read_numbers(index, clips) == [*range(50), *range(50)]
