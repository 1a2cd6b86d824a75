"""Bad recordings: quarantined with a reason, or read as far as they can be, with the right frame numbers."""

import re
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from poseflow.core.errors import VideoError
from poseflow.media import VideoIndex, estimate_frames, index_video, open_video

Damage = Callable[[Path, Path, int], Path]


def read_numbers(index: VideoIndex, clips: Any, threads: int = 2) -> list[int | None]:
    with open_video(index, threads) as video:
        return [clips.number(image) for _, image in video.read(0, index.frames)]


def write_sound(path: Path) -> Path:
    with wave.open(str(path.with_suffix(".wav")), "wb") as sound:
        sound.setparams((1, 2, 8000, 8000, "NONE", ""))
        sound.writeframes(bytes(16000))
    return path.with_suffix(".wav").rename(path)


def write_without_frames(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        container.start_encoding()
    return path


BAD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "zero bytes": (lambda path: path.touch(), "must not be empty, got 0 bytes"),
    "missing": (lambda path: None, "No such file"),
    "text": (lambda path: path.write_text("frame,x,y\n1,2,3\n" * 50), "must be a video that FFmpeg can open"),
    "noise": (lambda path: path.write_bytes(np.random.default_rng(0).bytes(20_000)), "must be a video"),
    "audio only": (write_sound, "must hold a video stream .* got audio"),
    "no frames": (write_without_frames, "must"),
    "playlist": (lambda path: path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://h/a.ts\n"), "must"),
    "empty folder": (lambda path: path.mkdir(), "must hold images .* got none"),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_what_is_no_video_is_quarantined_with_a_reason(fault: str, tmp_path: Path) -> None:
    make, reason = BAD_FILES[fault]
    path = tmp_path / "bad.mp4"
    make(path)
    index = index_video(path)
    assert (index.status, index.frames, estimate_frames(path)) == ("quarantined", 0, 0)
    assert re.search(reason, str(index.reason))
    assert "\n" not in str(index.reason)
    with pytest.raises(VideoError, match=r"bad\.mp4 must be readable, but it is quarantined"):
        open_video(index)


def test_an_mp4_that_was_never_closed_says_so(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert "without its 'moov' box" in str(index_video(path).reason)


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("kept", [0.3, 0.71, 0.9])
def test_a_truncated_video_is_read_as_far_as_it_goes(suffix: str, kept: float, tmp_path: Path, clips: Any) -> None:
    whole = clips.encode(tmp_path / f"whole{suffix}", bframes=0, options={"crf": "5"})
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * kept)])
    index = index_video(path)
    assert index.is_ok
    assert abs(index.frames / 100 - kept) < 0.05
    numbers = read_numbers(index, clips)
    assert numbers[:-1] == list(range(index.frames - 1))
    assert numbers[-1] in (index.frames - 1, None)  # the last packet may be cut in two


def test_a_truncated_mp4_with_its_index_in_front_says_how_much_is_missing(
    clip: Path, tmp_path: Path, clips: Any
) -> None:
    front = tmp_path / "front.mp4"
    with av.open(str(clip)) as source, av.open(str(front), "w", options={"movflags": "faststart"}) as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    path = tmp_path / "cut.mp4"
    path.write_bytes(front.read_bytes()[: front.stat().st_size * 2 // 3])
    index = index_video(path)
    assert index.is_ok
    assert "the header promises 150 frames" in " ".join(index.problems)
    numbers = read_numbers(index, clips)
    sound = [idx for idx, number in enumerate(numbers) if number is not None]
    assert [numbers[idx] for idx in sound] == sound
    assert len(sound) > 75


@pytest.mark.parametrize("ordinal", [0, 12, 30, 75, 149], ids="packet {}".format)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_damage_costs_the_frames_it_reaches_and_no_others(
    suffix: str, ordinal: int, clips: Any, tmp_path: Path, damage: Damage
) -> None:
    whole = clips.encode(tmp_path / f"whole{suffix}", frames=150, options={"crf": "8"})
    index = index_video(damage(whole, tmp_path / f"spoilt{suffix}", ordinal))
    assert (index.status, index.frames) == ("ok", 150)
    with open_video(index_video(whole)) as video:
        sound = dict(video.read(0, 150))
    with open_video(index) as video:
        read = dict(video.read(0, 150))
    lost = [idx for idx, image in read.items() if image is None]
    keyframe = ordinal // 12 * 12
    assert lost
    assert keyframe <= min(lost) <= max(lost) < keyframe + 12
    assert len(lost) <= keyframe + 12 - ordinal
    for idx in set(range(150)) - set(lost):
        np.testing.assert_array_equal(read[idx], sound[idx])


@pytest.mark.slow
@pytest.mark.parametrize("ordinal", [14, 30, 75, 101], ids="packet {}".format)
def test_where_order_is_found_by_decoding_damage_makes_it_doubtful(
    ordinal: int, clips: Any, tmp_path: Path, damage: Damage
) -> None:
    whole = clips.encode(tmp_path / "whole.avi", frames=150, options={"crf": "8"})
    index = index_video(damage(whole, tmp_path / "spoilt.avi", ordinal))
    assert index.frames == 150
    keyframe = ordinal // 12 * 12
    doubtful = set(index.doubtful.values().tolist())
    assert doubtful == set(range(keyframe, keyframe + 12))
    assert f"order is found by decoding: {len(doubtful)} frames are doubtful" in index.problems[-1]
    with open_video(index) as video:
        for idx, image in video.read(0, 150):
            assert idx in doubtful or clips.number(image) == idx


def test_a_sound_group_behind_a_damaged_one_is_read(case: Callable[[str], Path]) -> None:
    """Frames coded after an HEVC keyframe but displayed before it are predicted from the damaged group; none later."""
    index = index_video(case("sound_group_after_damage_is_lost") / "midh.mp4")
    with open_video(index) as video:
        lost = [idx for idx, image in video.read(0, index.frames) if image is None]
    assert lost
    assert 154 <= lost[0] <= lost[-1] <= 179


@pytest.mark.parametrize("ordinal", [14, 17, 22, 25, 37], ids="packet {}".format)
def test_damage_in_an_open_group_ends_at_the_next_keyframe(
    ordinal: int, tmp_path: Path, clips: Any, damage: Damage
) -> None:
    options = {"x264-params": "keyint=12:open-gop=1:bframes=3:b-pyramid=normal", "crf": "8"}
    whole = clips.encode(tmp_path / "whole.mp4", frames=60, options=options)
    index = index_video(damage(whole, tmp_path / "spoilt.mp4", ordinal))
    with open_video(index_video(whole)) as video:
        sound = dict(video.read(0, 60))
    with open_video(index) as video:
        read = dict(video.read(0, 60))
    lost = [idx for idx, image in read.items() if image is None]
    assert lost
    assert lost[0] // 12 >= ordinal // 12 - 1
    assert lost[-1] // 12 <= ordinal // 12
    for idx in set(range(60)) - set(lost):
        np.testing.assert_array_equal(read[idx], sound[idx])


@pytest.mark.parametrize("ordinal", [3, 24, 37], ids="packet {}".format)
def test_a_checksum_tells_of_damage_that_can_be_decoded(ordinal: int, tmp_path: Path, clips: Any) -> None:
    """HEVC with a checksum of each picture; one bit is wrong."""
    options = {"x265-params": "keyint=12:open-gop=0:hash=1:log-level=none"}
    whole = clips.encode(tmp_path / "whole.mp4", "libx265", frames=60, options=options)
    with av.open(str(whole)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = bytearray(whole.read_bytes())
    content[content.index(packets[ordinal]) + len(packets[ordinal]) // 2] ^= 16
    path = tmp_path / "spoilt.mp4"
    path.write_bytes(content)
    numbers = read_numbers(index_video(whole), clips)
    assert numbers == list(range(60))
    with open_video(index_video(whole)) as video:
        sound = dict(video.read(0, 60))
    with open_video(index_video(path)) as video:
        read = dict(video.read(0, 60))
    lost = [idx for idx, image in read.items() if image is None]
    assert lost
    assert {idx // 12 for idx in lost} == {ordinal // 12}
    for idx in set(range(60)) - set(lost):
        np.testing.assert_array_equal(read[idx], sound[idx])


@pytest.mark.parametrize("name", ["spoilt.mp4", "spoilt.ts", "spoilt.avi", "spoilt.mkv"])
@pytest.mark.parametrize("seed", range(2))
def test_damage_looks_the_same_from_every_shard(name: str, seed: int, tmp_path: Path, clips: Any) -> None:
    whole = clips.encode(tmp_path / f"whole{name}", frames=150).read_bytes()
    rng = np.random.default_rng(seed)
    content = bytearray(whole)
    for place in rng.integers(1000, len(whole) - 6000, 6):
        content[place : place + 20] = rng.bytes(20)
    path = tmp_path / name
    path.write_bytes(content)
    index = index_video(path)
    assert index.is_ok
    with open_video(index, threads=1) as video:
        one = list(video.read(0, index.frames))
    assert [idx for idx, _ in one] == list(range(index.frames))
    for threads in (1, 3):
        for start in rng.permutation(np.arange(0, index.frames, 29)).tolist():
            with open_video(index, threads) as video:
                for idx, image in video.read(start, min(start + 29, index.frames)):
                    np.testing.assert_array_equal(image, one[idx][1])


@pytest.mark.parametrize("name", ["fuzz.mp4", "fuzz.mkv", "fuzz.ts", "fuzz.avi", "fuzz.mpg"])
def test_no_damage_raises_or_hangs(name: str, tmp_path: Path, clips: Any) -> None:
    codec = {".mpg": "mpeg2video", ".avi": "mpeg4"}.get(Path(name).suffix, "libx264")
    whole = clips.encode(tmp_path / f"whole_{name}", codec, frames=40).read_bytes()
    rng = np.random.default_rng(1)
    path = tmp_path / name
    for _ in range(12):
        content = bytearray(whole)
        begin, length = int(rng.integers(len(whole))), int(rng.integers(1, 300))
        content[begin : begin + length] = [b"", bytes(length), rng.bytes(length)][int(rng.integers(3))]
        path.write_bytes(content[: int(rng.integers(len(content) // 2, len(content) * 2))])
        index = index_video(path)
        assert estimate_frames(path) >= 0
        if index.is_ok:
            with open_video(index, threads=2) as video:
                assert [idx for idx, _ in video.read(0, index.frames)] == list(range(index.frames))


def test_a_file_that_changed_since_it_was_indexed_is_refused(tmp_path: Path, clips: Any) -> None:
    path = clips.encode(tmp_path / "clip.mp4", frames=20)
    index = index_video(path)
    clips.encode(path, frames=30)
    with pytest.raises(VideoError, match=r"must have \d+ bytes as when it was indexed"):
        open_video(index)
    path.unlink()
    with pytest.raises(VideoError, match="No such file"):
        open_video(index)


def test_a_packet_that_the_container_calls_corrupt_is_not_decoded(tmp_path: Path, clips: Any) -> None:
    """A transport stream whose counters jump: bytes are missing in between."""
    whole = clips.encode(tmp_path / "whole.ts", frames=60).read_bytes()
    packets = [whole[place : place + 188] for place in range(0, len(whole), 188)]
    middle = len(packets) // 2
    path = tmp_path / "lossy.ts"
    path.write_bytes(b"".join(packets[:middle] + packets[middle + 2 :]))
    index = index_video(path)
    assert index.is_ok
    numbers = read_numbers(index, clips)
    known = [number for number in numbers if number is not None]
    assert known == sorted(known)
    assert 36 <= len(known) <= 59
    assert (known[0], known[-1]) == (0, 59)
