"""Images and playlists that are not what they seem."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from poseflow.media import estimate_frames, index_video, open_video, read_image
from poseflow.media.headers import find_fault


def write_png(width: int, height: int) -> bytes:
    """A PNG that promises an image and holds next to none of it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def declare(suffix: str, width: int, height: int) -> bytes:
    """A small image of that kind whose header is changed."""
    content = bytearray(cv2.imencode(suffix, np.zeros((20, 30), np.uint8))[1].tobytes())
    if suffix == ".bmp":
        content[18:26] = struct.pack("<ii", width, -height)
    elif suffix == ".jpg":
        place = content.index(b"\xff\xc0")
        content[place + 5 : place + 9] = struct.pack(">HH", height, width)
    else:
        for old, new in ((30, width), (20, height)):
            for tag in (256, 257):
                for kind, form in ((3, "<HHIHH"), (4, "<HHII")):
                    values = (tag, kind, 1, old, 0) if kind == 3 else (tag, kind, 1, old)
                    content = content.replace(struct.pack(form, *values), struct.pack("<HHII", tag, 4, 1, new))
    return bytes(content)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
def test_an_image_of_too_many_pixels_is_not_decoded(suffix: str, tmp_path: Path) -> None:
    sound = cv2.imencode(suffix, np.zeros((20, 30), np.uint8))[1].tobytes()
    assert find_fault(sound) is None
    bomb = write_png(60_000, 40_000) if suffix == ".png" else declare(suffix, 60_000, 40_000)
    assert find_fault(bomb) == "must have at most 134217728 pixels, got 60000 x 40000"
    (tmp_path / f"0{suffix}").write_bytes(bomb)
    assert read_image(tmp_path / f"0{suffix}", 1) is None
    index = index_video(tmp_path)
    assert index.status == "quarantined"
    assert f"0{suffix} must have at most 134217728 pixels, got 60000 x 40000" in str(index.reason)
    (tmp_path / f"1{suffix}").write_bytes(sound)
    with open_video(index_video(tmp_path)) as video:
        assert [image is None for _, image in video.read(0, 2)] == [True, False]


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"BM", b"\xff\xd8", b"\xff\xd8\xff\xe0\0", b"II*\0", b"MM\0+\0"]
)
def test_a_header_that_is_cut_off_is_no_fault_of_its_own(content: bytes) -> None:
    assert find_fault(content) is None


def test_a_tiff_whose_pages_go_round_in_a_circle_ends() -> None:
    page = struct.pack("<H", 0) + struct.pack("<I", 8)
    assert find_fault(b"II*\0" + struct.pack("<I", 8) + page) is None


def test_a_tiff_stack_is_named(case: Callable[[str], Path], tmp_path: Path) -> None:
    path = case("tiff_stack") / "s.tif"
    index = index_video(path)
    assert index.reason == "file must be a video, or a folder of images, got a TIFF stack of 6 pages"
    assert estimate_frames(path) == 0
    (tmp_path / "f").mkdir()
    (tmp_path / "f/0.tif").write_bytes(path.read_bytes())
    assert "0.tif must hold one picture, got a TIFF stack of 6" in str(index_video(tmp_path / "f").reason)


@pytest.mark.parametrize(
    "description", [b"ImageJ=1.54f\nimages=7\nslices=7\nloop=false\n", b'{"shape": [7, 20, 30], "truncated": true}']
)
def test_a_stack_of_which_one_page_is_listed_is_a_stack(description: bytes, tmp_path: Path) -> None:
    """As ImageJ writes one of more than 4 GB: the other images follow the first, without pages of their own."""
    values = [(256, 4, 1, 30), (257, 4, 1, 20), (258, 4, 1, 8), (259, 4, 1, 1), (262, 4, 1, 1)]
    values += [(270, 2, len(description), 200), (273, 4, 1, 400), (278, 4, 1, 20), (279, 4, 1, 600)]
    page = struct.pack("<H", len(values)) + b"".join(struct.pack("<HHII", *value) for value in values) + bytes(4)
    head = (b"II*\0" + struct.pack("<I", 8) + page).ljust(200, b"\0") + description
    path = tmp_path / "s.tif"
    path.write_bytes(head.ljust(400, b"\0") + bytes(7 * 600))
    assert "got a TIFF stack of 7 pages" in str(index_video(path).reason)
    assert "s.tif must hold one picture, got a TIFF stack of 7" in str(index_video(tmp_path).reason)
    path.write_bytes(head.replace(b"7", b"1").ljust(400, b"\0") + bytes(600))
    assert index_video(tmp_path).frames == 1


def test_images_are_turned_as_people_see_them(case: Callable[[str], Path]) -> None:
    index = index_video(case("images_rotated_by_exif") / "frames")
    assert (index.width, index.height, index.frames, index.problems) == (20, 30, 2, ())
    with open_video(index) as video:
        assert [image.shape if image is not None else None for _, image in video.read(0, 2)] == [(30, 20, 1)] * 2
        assert [image.shape if image is not None else None for _, image in video.read(0, 2, 3)] == [(30, 20, 3)] * 2


def test_images_of_several_sizes_are_a_problem(tmp_path: Path) -> None:
    for number, side in enumerate((20, 20, 24)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((side, 30), np.uint8))
    index = index_video(tmp_path)
    assert index.problems == ("images differ in size, and only those of 30 x 20 can be read: 2.png has 30 x 24",)


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1.2,\n{}\n#EXT-X-ENDLIST\n",
    "bom.m3u8": "\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1.2,\n{}\n#EXT-X-ENDLIST\n",
    "list.txt": "ffconcat version 1.0\nfile '{}'\n",
    "list.mp4": "#EXTM3U\n#EXTINF:1.2,\n{}\n",
    "list.mpd": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
    '<AdaptationSet><Representation id="0"><BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "list.sdp": "v=0\nc=IN IP4 127.0.0.1\nm=video 5000 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_no_file_leads_to_another(name: str, tmp_path: Path, clips: Any) -> None:
    secret = clips.encode(tmp_path / "secret.ts", frames=30)
    (tmp_path / name).write_text(PLAYLISTS[name].format(secret))
    index = index_video(tmp_path / name)
    assert (index.status, index.frames, estimate_frames(tmp_path / name)) == ("quarantined", 0, 0)


def test_the_case_of_a_playlist(case: Callable[[str], Path], clips: Any) -> None:
    folder = case("playlist_m3u8")
    secret = clips.encode(folder / "secret.ts", frames=30)
    (folder / "list.m3u8").write_text(PLAYLISTS["list.m3u8"].format(secret))
    reason = index_video(folder / "list.m3u8").reason
    assert reason == "file must hold the images itself, got a playlist, which names other files"


def test_a_pattern_in_a_name_opens_no_other_file(tmp_path: Path, clips: Any) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), clips.draw(number))
    (tmp_path / "%d.png").write_bytes((tmp_path / "0.png").read_bytes())
    assert index_video(tmp_path / "%d.png").frames == 1
