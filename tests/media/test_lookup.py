"""Which recording a path means that was written down elsewhere."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.core.errors import AmbiguousVideoError
from poseflow.media import find_recording, is_recording

STORE = [Path("/store", place) for place in ("day1/cam.mp4", "day2/cam.mp4", "day2/top/cam.mp4", "mouse 7.avi")]


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("/old/disk/day1/cam.mp4", STORE[0]),
        ("D:\\lab\\day2\\cam.mp4", STORE[1]),
        ("D:/lab/day2/top/cam.mp4", STORE[2]),
        ("day2/cam.mp4", STORE[1]),
        ("\\\\server\\share\\Mouse 7.AVI", STORE[3]),
        ("/old/disk/day3/cam.mp4", None),
        ("/old/disk/other.mp4", None),
        ("/old/disk/cam.mp4.mp4", None),
    ],
)
def test_the_longest_common_tail_decides(recorded: str, found: Path | None) -> None:
    assert find_recording(recorded, STORE) == found
    assert find_recording(recorded, reversed(STORE)) == found


def test_where_several_fit_equally_all_are_named() -> None:
    with pytest.raises(AmbiguousVideoError, match=r"/old/cam\.mp4 .* /store/day1/cam\.mp4, /store/day2/cam\.mp4"):
        find_recording("/old/cam.mp4", STORE)


@pytest.mark.parametrize("folder", ["day2", "day10", "dayB", "2026-11-02"])
def test_a_member_of_a_series_stands_for_no_other(folder: str) -> None:
    other = {"dayB": "dayA", "2026-11-02": "2026-11-03"}.get(folder, "day1")
    assert not is_recording(f"/old/{folder}/cam.mp4", Path("/store", other, "cam.mp4"))
    assert is_recording(f"/old/{folder}/cam.mp4", Path("/store/elsewhere/cam.mp4"))


def test_members_of_a_series_are_told_by_folders_of_the_project_and_not_of_the_disk() -> None:
    recorded = "/mnt/disk1/rat12/day1/cam.mp4"
    assert not is_recording(recorded, Path("rat13/day1/cam.mp4"))
    assert not is_recording(recorded, Path("videos/rat13/day1/cam.mp4"))
    assert is_recording(recorded, Path("rat12/day1/cam.mp4"))
    assert is_recording(recorded, Path("/mnt/disk2/rat12/day1/cam.mp4"))
    assert is_recording(recorded, Path("rats/day1/cam.mp4"))


def test_a_tail_must_tell_a_recording_from_the_others_written_down_beside_it() -> None:
    recorded, other = "/old/monday/cam.mp4", "/old/tuesday/cam.mp4"
    store = Path("/store/monday/cam.mp4")
    assert is_recording(recorded, store, others=[recorded, other])
    assert not is_recording(other, store, others=[recorded, other])
    assert not is_recording("/old/friday/cam.mp4", store, others=[other, "/old/friday/cam.mp4"])


def test_content_excludes_and_decides() -> None:
    days = STORE[:2]
    assert find_recording("/old/cam.mp4", days, fits=lambda path: None if "day1" in str(path) else False) == days[0]
    assert find_recording("/old/cam.mp4", days, fits=lambda path: "day2" in str(path) or None) == days[1]
    assert find_recording("/old/day1/cam.mp4", days, fits=lambda path: "day2" in str(path)) == days[1]
    assert find_recording("/old/day9/cam.mp4", days, fits=lambda path: "day2" in str(path) or None) == days[1]
    assert find_recording("/old/day1/cam.mp4", days, fits=lambda _: False) is None


def test_letters_case_counts_between_equals_only() -> None:
    both = [Path("/store/Cam.mp4"), Path("/store/cam.mp4")]
    assert find_recording("/old/cam.mp4", both) == both[1]
    assert find_recording("/old/CAM.mp4", both[:1]) == both[0]


def test_what_lies_at_the_whole_path_is_meant_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, copy, link = tmp_path / "a" / "cam.mp4", tmp_path / "b" / "cam.mp4", tmp_path / "c" / "cam.mp4"
    for path in (here, copy):
        path.parent.mkdir()
        path.write_bytes(path.parent.name.encode())
    link.parent.mkdir()
    link.symlink_to(here)
    monkeypatch.chdir(tmp_path)
    assert find_recording(str(here), [copy, here]) == here
    assert find_recording(str(here), [copy, link]) == link
    assert find_recording(str(here), [copy], fits=lambda _: True) is None
    assert find_recording(str(here), [Path("a/cam.mp4")]) == Path("a/cam.mp4")


def test_a_copy_of_what_lies_at_the_whole_path_is_the_same_recording(tmp_path: Path) -> None:
    """A project that was copied, where the first one is still there."""
    here, copy, other = (tmp_path / place / "cam.mp4" for place in ("lab/day1", "copied/day1", "copied/day2"))
    for path, content in ((here, b"1"), (copy, b"1"), (other, b"2")):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    assert find_recording(str(here), [other, copy], others=[str(tmp_path / "lab/day2/cam.mp4")]) == copy
    other.write_bytes(b"1")
    assert find_recording(str(here), [other, copy]) == copy
    (tmp_path / "day1").mkdir()
    (tmp_path / "day1/cam.mp4").write_bytes(b"1")
    with pytest.raises(AmbiguousVideoError, match=r"copied/day1/cam\.mp4, .*day1/cam\.mp4"):
        find_recording(str(here), [copy, tmp_path / "day1/cam.mp4"])


def test_through_a_link_the_real_folders_count(tmp_path: Path) -> None:
    (tmp_path / "disk" / "day2").mkdir(parents=True)
    (tmp_path / "disk" / "day2" / "cam.mp4").touch()
    (tmp_path / "linked").symlink_to(tmp_path / "disk" / "day2")
    recorded = "/old/day2/cam.mp4"
    assert is_recording(recorded, tmp_path / "linked" / "cam.mp4", others=[recorded, "/old/day1/cam.mp4"])


PARTS = st.lists(st.text(st.characters(exclude_characters="/\\:\0", categories=("L", "N")), min_size=1), min_size=1)


@given(st.lists(PARTS, min_size=1, max_size=4), st.sampled_from(["/", "\\"]))
def test_recordings_that_moved_together_are_each_found_or_ambiguous_never_another(
    places: list[list[str]], separator: str
) -> None:
    places = [place for n, place in enumerate(places) if place not in places[:n]]
    store = [Path("/no such store", *place) for place in places]
    written = [separator.join(["D:", "old", *place]) for place in places]
    for recorded, path in zip(written, store, strict=True):
        try:
            assert find_recording(recorded, store, written) in (path, None)
        except AmbiguousVideoError as error:
            assert str(path) in str(error)


def test_a_link_of_another_name_is_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "cam0001.mp4").touch()
    (tmp_path / "cage1.mp4").symlink_to(tmp_path / "raw" / "cam0001.mp4")
    (tmp_path / "cage2.mp4").touch()
    store = [tmp_path / "cage2.mp4", tmp_path / "cage1.mp4"]
    assert find_recording(str(tmp_path / "raw" / "cam0001.mp4"), store) == store[1]
