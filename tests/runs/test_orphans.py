"""Results of recordings that are gone are set aside, and nothing else is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from poseflow.runs.orphans import describe_orphans, find_orphans, set_aside
from poseflow.runs.recordings import Recordings

NOW = datetime(2026, 3, 1, 18, 0, 5, tzinfo=UTC)
NAMES = {"a.mp4": "a", "cage/b.mp4": "cage__b", "cage/": "cage", "disk/c.mp4": "disk__c", "disk/": "disk"}


def found(*paths, unlisted=()):
    recordings = {}
    for path in paths:
        recordings.setdefault(NAMES.get(path.rpartition("/")[0] + "/", NAMES[path]), []).append(NAMES[path])
    return Recordings({NAMES[path]: Path("videos") / path for path in paths}, {}, {}, recordings, NAMES, unlisted)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Results of three recordings, and what is of none."""
    monkeypatch.chdir(tmp_path)
    for video, recording in (("a", "a"), ("cage__b", "cage"), ("disk__c", "disk")):
        for name in (
            f"poses/{recording}/{video}.parquet",
            f"tracks/{recording}.parquet",
            f"review/{recording}.csv",
            f"review/{recording}.slp",
            f"overlays/{video}.mp4",
            f"suggestions/{video}.pkg.slp",
            f"evaluation/tracking/{video}.json",
            f"exports/csv_long/{recording}/{video}.long.csv",
            f"exports/coco/{recording}/{video}.coco/annotations.json",
            f"predictions/{video}/0000-of-0001.parquet",
            f"index/{video}.json",
        ):
            path = tmp_path / "results" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(video)
    (tmp_path / "results/report.html").touch()
    return Path("results")


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_of_a_recording_that_is_gone_moves_and_the_rest_stays(results):
    before = files(results)
    here = found("cage/b.mp4", "disk/c.mp4")
    gone = {
        "poses/a/a.parquet",
        "tracks/a.parquet",
        "review/a.csv",
        "review/a.slp",
        "overlays/a.mp4",
        "suggestions/a.pkg.slp",
        "evaluation/tracking/a.json",
        "exports/csv_long/a/a.long.csv",
        "exports/coco/a/a.coco/annotations.json",
    }
    set_aside(find_orphans(here), NOW)
    assert files(results) == (before - gone) | {f"orphaned/2026-03-01T18-00-05/{name}" for name in gone}
    assert not (results / "poses/a").exists()
    assert find_orphans(here) == []


def test_it_is_told_in_the_same_words_before_and_after(results):
    here = found("cage/b.mp4", "disk/c.mp4")
    orphans = find_orphans(here)
    before = describe_orphans(orphans, here)
    set_aside(orphans, NOW)
    assert before == ["no longer among the recordings: a; what was made of them is in results/orphaned"]
    assert describe_orphans(find_orphans(here), here) == before
    assert describe_orphans([], found("a.mp4", "cage/b.mp4", "disk/c.mp4")) == [], "it is back"


def test_nothing_set_aside_earlier_is_overwritten(results):
    here = found("cage/b.mp4", "disk/c.mp4")
    set_aside(find_orphans(here), NOW)
    (results / "tracks/a.parquet").write_text("another")
    set_aside(find_orphans(here), NOW.replace(second=6))
    assert sorted(path.read_text() for path in results.glob("orphaned/*/tracks/a.parquet")) == ["a", "another"]


def test_what_may_lie_in_a_folder_that_cannot_be_looked_into_is_not_gone(results):
    assert find_orphans(found("a.mp4", "cage/b.mp4", unlisted=[Path("disk")])) == []
    assert find_orphans(found("a.mp4", unlisted=[Path()])) == []
    gone = find_orphans(found("a.mp4", unlisted=[Path("disk")]))
    assert {path.name.partition(".")[0] for path in gone} == {"cage", "cage__b"}


def test_where_no_recording_is_found_none_is_called_gone(results):
    assert find_orphans(Recordings({}, {}, {}, {}, NAMES)) == []


def test_a_table_below_another_recording_than_its_video_is_part_of_is_set_aside(results):
    stale = results / "poses/other/a.parquet"
    stale.parent.mkdir()
    stale.touch()
    assert find_orphans(found("a.mp4", "cage/b.mp4", "disk/c.mp4")) == [stale]
