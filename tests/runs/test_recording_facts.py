"""What is known of recordings beyond their files: the table, names of files, and what makes up a recording."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.config import Config
from poseflow.config.recordings import FileNames, RecordingsConfig, read_recordings_table
from poseflow.core.errors import ConfigError
from poseflow.runs.facts import FileFacts
from poseflow.runs.recordings import plan_recordings

HOURS = "{camera}_{start:%Y-%m-%dT%H-%M-%S}"


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Plan what lies in videos/, with a table of recordings, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()

    def plan_them(*names, table=None, tracking=None, **recordings):
        for name in names:
            path = Path("videos") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no video")
        if table is not None:
            Path("config/recordings.tsv").write_bytes(table if isinstance(table, bytes) else table.encode())
        config = Config.model_validate({"recordings": recordings, "tracking": tracking or {}})
        found = plan_recordings(config, FileFacts("facts.json"))
        return found, {video: facts.configure(config).tracking for video, facts in found.facts.items()}

    return plan_them


def test_a_cage_of_two_and_a_cage_of_four_animals_are_in_one_project(plan):
    table = "recording\tanimals\tnames\ncage1\t2\t\ncage2/*\t4\tanna, bob,eva\n"
    settings = {"animals": 3, "max_tracks": 3}
    _, own = plan("cage1/a.mp4", "cage2/a.mp4", "cage3/a.mp4", table=table, tracking=settings)
    found = {video: (tracking.animals, tracking.max_tracks, tracking.names) for video, tracking in own.items()}
    assert found == {
        "cage1__a": (2, 2, None),
        "cage2__a": (4, 4, ("anna", "bob", "eva")),
        "cage3__a": (3, 3, None),
    }


def test_the_first_row_that_fits_counts_and_other_columns_are_carried_along(plan):
    table = """recording\tpixels_per_mm\tstart\ttimezone\tcamera\tdose, mg
cage1/zoomed.mp4\t9\t2026-03-01T18:00:00+01:00\t\t\t5
cage[1].mp4\t3\t\t\t\t
cage?/**/a*\t2\t\t\ttop\t
*\t\t\t\t\t0
"""
    names = ("cage1/zoomed.mp4", "cage1/day 1/a.mp4", "cage1/a.mp4", "cage[1].mp4", "b.mp4")
    found, _ = plan(*names, table=table)
    facts = {path.relative_to("videos").as_posix(): found.facts[video] for video, path in found.videos.items()}
    scales = {path: known.pixels_per_mm for path, known in facts.items()}
    assert scales == {names[0]: 9, names[1]: 2, names[2]: 2, names[3]: 3, names[4]: None}
    assert facts["cage1/zoomed.mp4"].start.isoformat() == "2026-03-01T18:00:00+01:00"
    assert facts["cage1/a.mp4"].columns == {"pixels_per_mm": "2", "camera": "top"}
    assert facts["b.mp4"].columns == {"dose, mg": "0"}


def test_a_table_as_spreadsheets_write_it_is_read(plan):
    table = '\ufeffrecording\tanimals\tnames\t\r\n"cage1"\t2\t"anna, ""b"""\t\r\n\t\t\t\r\n'.encode()
    found, own = plan("cage1/a.mp4", table=table)
    assert own["cage1__a"].names == ("anna", '"b"')
    assert found.warnings == []


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        (b"cage1\t2\n", r"first line must be a header with the column recording, got \['cage1', '2'\]"),
        (b"recording  animals\ncage1  2\n", "got .*'recording  animals'.*; columns are separated by tabs"),
        (b"recording\tgroup\tgroup\ncage1\ta\tb\n", "each column must be there once, got group twice"),
        (b"recording\tanimals\ncage1\t2\t3\n", "line 2: every cell must have a column in the header, got '3'"),
        (
            b"recording\tanimals\ncage1\t2\nkage2\t2\n",
            "line 3: a row must fit a recording .*, got kage2.*did you mean cage2",
        ),
        (b"recording\tanimals\n\t2\n", "line 2, recording: Field required, got an empty cell"),
        (b"recording\tanimals\ncage1\ttwo\n", "line 2, animals: Input should be a valid integer.*, got 'two'"),
        (b"recording\tanimals\ncage1\t0\n", "line 2, animals: .*greater than or equal to 1, got '0'"),
        (b"recording\tpixels_per_mm\ncage1\t2,5\n", "line 2, pixels_per_mm: .*valid number.*, got '2,5'"),
        (b"recording\tpixels_per_mm\ncage1\tinf\n", "line 2, pixels_per_mm: .*finite.*, got 'inf'"),
        (
            b"recording\ttimezone\ncage1\tMiddle/Earth\n",
            "line 2, timezone: .*like Europe/Berlin or UTC, got Middle/Earth",
        ),
        (b"recording\tstart\ncage1/a.mp4\t2026-03-01T18:00:00\n", "line 2: a start must have a time zone"),
        (b"recording\tstart\ncage1/a.mp4\t20260301\n", "line 2, start: .*like 2026-03-01T18:00:00.01:00, got 20260301"),
        (b"recording\tstart\ncage1/a.mp4\t0026-03-01T18:00\n", "line 2, start: .*in the years 1900 to 2199"),
        (
            b"recording\tstart\ncage1\t2026-03-01T18:00:00Z\n",
            "line 2: a start must stand in a row of one video, got .* cage1/b.mp4",
        ),
        (
            b"recording\tstart\ttimezone\ncage1/a.mp4\t2026-03-29T02:30\tEurope/Berlin\n",
            "line 2: a start must be a time that there was in Europe/Berlin",
        ),
        (
            b"recording\tstart\ttimezone\ncage1/a.mp4\t2026-10-25 02:30\tEurope/Berlin\n",
            "line 2: a start in the hour that .* must say which, as 2026-10-25T02:30:00.02:00 or .*01:00, got",
        ),
        (b"recording\tanimals\ncage1\t2\ncage1/\t4\n", "line 3: a recording must have one row, got cage1/ in line 2"),
        (b"recording\tgroup\ncage[9-1]\ta\n", r"line 2: a row must fit a recording .*, got cage\[9-1\]"),
        (b"recording\tnames\tanimals\ncage1\tanna,bob\t1\n", r"line 2, names must be at most as many as animals \(1\)"),
        (b"recording\tnames\ncage1\tanna,anna\n", "line 2, names must be distinct"),
        (
            b"recording\tanimals\n*\t2\ncage1\t4\n",
            "line 3: a row must stand before those that fit more, got cage1 behind line 2",
        ),
        (
            b"recording\tanimals\ncage1/a.mp4\t2\ncage1/b.mp4\t4\n",
            "same animals, got 2 for cage1__a and 4 for cage1__b",
        ),
        (b"recording\tgroup\ncage1\t\xe4\n", "must be a table in UTF-8, got another encoding"),
        ("recording\tgroup\ncage1\ta\n".encode("utf-16"), "must be a table in UTF-8, got another encoding"),
        (b'recording\tgroup\ncage1\t"a\n', "line 2: quotes must enclose a whole cell"),
        (b'recording\tgroup\ncage1\t"a\nb"\n', "line 3: a cell must be one line of text"),
        (b"recording\tgroup\ncage1\ta\0\n", "must be a table in UTF-8|line contains NUL"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value[:40],
)
def test_a_table_that_cannot_be_followed_is_one_clear_error(plan, table, fault):
    with pytest.raises(ConfigError, match=fault) as raised:
        plan("cage1/a.mp4", "cage1/b.mp4", "cage2/a.mp4", table=table)
    assert "config/recordings.tsv" in str(raised.value) or "same animals" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_every_fault_of_a_table_is_told_at_once(plan):
    with pytest.raises(ConfigError, match=r"line 2, animals.*; line 3, timezone"):
        plan("cage1/a.mp4", table="recording\tanimals\ttimezone\ncage1\tx\t\ncage2\t\tx\n")


def test_an_empty_table_and_none_at_all_say_nothing_but_one_that_is_named_must_be_there(plan):
    for table in (None, "", "recording\n"):
        assert plan("a.mp4", table=table)[0].facts["a"].columns == {}
    with pytest.raises(ConfigError, match=r"recordings\.table must be a readable file, got other\.tsv"):
        plan_recordings(Config.model_validate({"recordings": {"table": "other.tsv"}}), FileFacts("facts.json"))


def test_a_row_fits_a_folder_whose_name_is_written_in_the_other_way(plan):
    """As when the table is typed on Linux and the recordings come from macOS, or the other way round."""
    names = ("Ka\u0308fig/a.mp4", "Hu\u0308lle.mp4")
    _, own = plan(*names, table="recording\tanimals\nK\u00e4fig\t2\nH\u00fc*\t3\n")
    assert sorted(tracking.animals for tracking in own.values()) == [2, 3]
    _, own = plan(*names, table="recording\tanimals\nKa\u0308fig\t2\nHu\u0308lle.mp4\t3\n")
    assert sorted(tracking.animals for tracking in own.values()) == [2, 3]


def test_of_the_hour_that_there_is_twice_a_start_says_which_and_a_files_name_means_the_first(plan):
    table = "recording\tstart\ttimezone\na.mp4\t2026-10-25T02:30+01:00\tEurope/Berlin\n"
    assert plan("a.mp4", table=table)[0].facts["a"].start.isoformat() == "2026-10-25T02:30:00+01:00"
    settings = {"file_names": HOURS, "timezone": "Europe/Berlin"}
    found, _ = plan("a.mp4", "top_2026-10-25T02-30-00.mp4", table=table, **settings)
    assert "2026-10-25T02:30:00+02:00" in {facts.start.isoformat() for facts in found.facts.values()}


def test_a_column_that_is_nearly_a_known_one_is_told(plan):
    found, _ = plan("a.mp4", table="recording\tn_animals\tstart_time\tgroup_id\na.mp4\t2\t18:00\t1\n")
    assert [said.rpartition(" ")[2] for said in found.warnings] == ["animals?", "start?"]
    found, _ = plan("a.mp4", table="recording\tAnimal\na.mp4\t2\n")
    assert found.warnings == [
        "config/recordings.tsv: the column Animal is carried along and changes nothing; did you mean animals?"
    ]


def hour_files(cameras=("top", "side"), days=("2026-03-01", "2026-03-02")):
    return [f"{camera}_{day}T{hour:02}-00-00.mp4" for camera in cameras for day in days for hour in range(12)]


def test_flat_hour_files_of_two_cameras_are_a_recording_a_camera_or_a_day(plan):
    names = hour_files()
    assert len(names) == 48
    settings = {"file_names": HOURS, "timezone": "Europe/Berlin"}
    found, _ = plan(*names, group_by="camera", **settings)
    assert {name: len(videos) for name, videos in found.recordings.items()} == {"side": 24, "top": 24}
    assert found.facts["top_2026-03-01T11-00-00"].start.isoformat() == "2026-03-01T11:00:00+01:00"
    found, _ = plan(group_by="day", **settings)
    assert {name: len(videos) for name, videos in found.recordings.items()} == dict.fromkeys(
        (f"{camera}__2026-03-0{day}" for camera in ("side", "top") for day in (1, 2)), 12
    )
    found, _ = plan(group_by="folder", **settings)
    assert len(found.recordings) == 48


def test_a_day_is_that_of_the_recordings_time_zone_and_of_its_folder_where_no_camera_is_named(plan):
    names = ["cage1/2026-03-01T23-30-00.mp4", "cage1/2026-03-02T00-30-00.mp4", "cage2/2026-03-01T23-30-00.mp4"]
    table = "recording\tstart\tcamera\ncage1/c.mp4\t2026-03-01T23:30:00+00:00\t\n"
    found, _ = plan(*names, "cage1/c.mp4", "cage1/notes.mp4", table=table, group_by="day", timezone="Europe/Berlin",
                    file_names="{start:%Y-%m-%dT%H-%M-%S}")  # fmt: skip
    assert {name: len(videos) for name, videos in found.recordings.items()} == {
        "cage1__2026-03-01": 1,
        "cage1__2026-03-02": 2,
        "cage2__2026-03-01": 1,
        "cage1__notes": 1,
    }
    assert any("recordings.file_names must fit" in line and "cage1/notes.mp4" in line for line in found.warnings)
    assert any("group_by: day must know a start" in line and "cage1/notes.mp4" in line for line in found.warnings)


def test_a_start_in_the_hour_that_comes_twice_is_told(plan):
    names = [f"top_2026-{day}T02-30-00.mp4" for day in ("10-24", "10-25", "03-29")]
    settings = {"file_names": HOURS, "timezone": "Europe/Berlin"}
    found, _ = plan(*names, **settings)
    (told,) = found.warnings
    assert told.startswith("top_2026-10-25T02-30-00.mp4 began in an hour that there was twice")
    table = f"recording\tstart\n{names[1]}\t2026-10-25T02:30:00+01:00\n"
    found, _ = plan(table=table, **settings)
    assert found.warnings == []
    assert found.facts["top_2026-10-25T02-30-00"].start.timestamp() == 1_792_891_800


def test_a_group_never_has_the_name_of_another_recording(plan):
    found, _ = plan("a.mp4", "b.mp4", table="recording\tcamera\nb.mp4\ta\n", group_by="camera")
    assert len(found.recordings) == 2
    assert sorted(video for videos in found.recordings.values() for video in videos) == ["a", "b"]


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("{camera", "braces"),
        ("camera", "must name its columns"),
        ("{}_{start:%Y}", "must name its columns"),
        ("{a}_{a}", "each once"),
        ("{start}", "must say its date"),
        ("{start:%Y-%Q}", "got %Q"),
        ("{start:%Y-%m}", "must say its date"),
        ("{start:%Y-%m-%d_%Y}", "each part of it once"),
        ("{start:%Y-%m-%d_%H%p}", "%p, morning or afternoon, with %I"),
        ("{start:%Y-%m-%d_%I-%M}", "%p, morning or afternoon, with %I"),
        ("{recording}_{camera}", "other columns than recording"),
        ("{camera:03d}", "only start may have a form"),
    ],
)
def test_a_pattern_that_cannot_be_followed_is_refused(pattern, fault):
    with pytest.raises(ValueError, match=fault):
        RecordingsConfig(file_names=pattern)


def test_of_names_that_say_a_day_alone_it_is_told_that_videos_begin_at_midnight(plan):
    found, _ = plan("top_2026-03-01.mp4", file_names="{camera}_{start:%Y-%m-%d}", timezone="UTC")
    assert [facts.start.hour for facts in found.facts.values()] == [0]
    (said,) = found.warnings
    assert "no time of day" in said and "midnight" in said


@pytest.mark.slow
@given(
    camera=st.from_regex(r"[\w .-]{1,12}", fullmatch=True), start=st.datetimes().map(lambda s: s.replace(microsecond=0))
)
def test_what_a_name_was_made_of_is_read_from_it(camera, start):
    if start.year < 1900:
        start = start.replace(year=start.year + 1900)
    name = f"rig 1/{camera}_{start:%Y-%m-%dT%H-%M-%S}.mp4"
    assert FileNames(HOURS).read(Path(name)) == {"camera": camera, "start": start.isoformat()}
    assert FileNames("{rig}/" + HOURS).read(Path(name)) == {
        "rig": "rig 1",
        "camera": camera,
        "start": start.isoformat(),
    }
    assert FileNames(HOURS).read(Path("rig/other.mp4")) is None


@pytest.mark.slow
@given(cells=st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=4))
def test_any_text_is_a_table_or_one_clear_error(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("table") / "t.tsv"
    text = "recording\tgroup\n" + "".join("\t".join(row) + "\n" for row in cells)
    path.write_bytes(text.encode(errors="replace"))
    try:
        rows = read_recordings_table(path)
    except ConfigError as error:
        assert str(path) in str(error)
    else:
        assert all(set(row) <= {"recording", "group"} for _, row in rows)
