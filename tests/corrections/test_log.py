"""The log of claims: what is appended stays, whoever writes, and what is damaged is told of."""

import multiprocessing
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from poseflow.core.errors import ConfigError
from poseflow.corrections import (
    AbsenceClaim,
    NameClaim,
    PointsClaim,
    Retraction,
    ReviewedClaim,
    Sighting,
    append_claims,
    find_standing,
    read_log,
    stamp,
    take_back,
)

POSE = np.array([[1.0, 2.0], [3.0, np.nan]])


def claim(name="anna"):
    return NameClaim(**stamp("kim"), where=Sighting.of("day1", 7, ["nose", "tail"], POSE[None], 0), name=name)


def test_what_is_appended_is_read_in_order_and_whole(tmp_path):
    log = tmp_path / "new" / "cage.jsonl"
    claims = [claim("anna"), claim("bert")]
    append_claims(log, claims[:1])
    append_claims(log, claims[1:])
    assert read_log(log) == read_log([log, log]), "copies of one log say everything once"
    assert list(read_log(log).claims) == claims
    assert claims[0].where.animals == (((1.0, 2.0), None),), "a point that lacks a coordinate is missing"
    assert read_log(tmp_path / "none.jsonl").claims == []


def _write(path, author, count):
    for number in range(count):
        append_claims(path, [claim(f"{author}{number}")])


@pytest.mark.slow
def test_of_two_writers_none_loses_a_line(tmp_path):
    log = tmp_path / "cage.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(log, author, 40)) for author in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = read_log(log)
    assert sorted(one.name for one in found.claims) == sorted(f"{a}{n}" for a in "ab" for n in range(40))
    assert not found.faults


@pytest.mark.slow
@given(st.integers(0, 2000))
def test_a_line_that_was_cut_off_is_told_of_and_costs_no_other(tmp_path_factory, kept):
    log = tmp_path_factory.mktemp("log") / "cage.jsonl"
    append_claims(log, [claim("anna")])
    whole = log.read_bytes()
    append_claims(log, [claim("bert")])
    kept = min(kept, len(log.read_bytes()) - len(whole) - 2)
    os.truncate(log, len(whole) + kept)
    append_claims(log, [claim("carl")])
    found = read_log(log)
    assert [one.name for one in found.claims] == ["anna", "carl"]
    assert len(found.faults) == (kept > 0)
    assert all(fault.startswith(f"{log}, line 2: must be a claim, got ") for fault in found.faults)


@pytest.mark.parametrize(
    "line", ['{"kind": "swap"}', "null", '{"kind": "retraction", "id": "a", "retracts": "b"}', "é"]
)
def test_a_line_that_is_no_claim_is_told_of(tmp_path, line):
    log = tmp_path / "cage.jsonl"
    log.write_text(line + "\n")
    append_claims(log, [claim()])
    assert len(read_log(log).claims) == len(read_log(log).faults) == 1


@pytest.mark.parametrize("said", ['"frame":2361183241434822606848', '"frame":9223372036854775808'])
def test_a_frame_that_no_video_has_is_told_of(tmp_path, said):
    log = tmp_path / "cage.jsonl"
    append_claims(log, [ReviewedClaim(**stamp(), video="cage", frame=7)])
    log.write_text(log.read_text().replace('"frame":7', said))
    (fault,) = read_log(log).faults
    assert "frame: Input should be less than" in fault


@pytest.mark.parametrize("position", [1e300, -1e7, np.nan])
def test_a_position_that_no_image_has_is_no_claim(position):
    where = claim().where
    with pytest.raises(ValidationError, match="a position must be a number of px below 1000000"):
        PointsClaim(**stamp(), where=where, points={where.nodes[0]: (position, 1)})
    with pytest.raises(ValidationError, match="a position must be a number of px below 1000000"):
        AbsenceClaim(**stamp(), where=where, path=((where.frame, 1, position),))


def test_a_name_has_no_spaces_around_it():
    assert NameClaim(**stamp(), where=claim().where, name=" anna ").name == "anna"


def test_nothing_is_left_of_a_line_for_which_the_disk_has_no_room(tmp_path, monkeypatch):
    log = tmp_path / "cage.jsonl"
    append_claims(log, [claim("anna")])
    before, write = log.read_bytes(), os.write

    def write_half(descriptor, content):
        if content[:1] == b"x":
            raise OSError(28, "No space left on device")
        write(descriptor, content[:20])
        monkeypatch.setattr(os, "write", lambda *_: write_half(descriptor, b"x"))
        return 20

    monkeypatch.setattr(os, "write", write_half)
    with pytest.raises(OSError, match="No space"):
        append_claims(log, [claim("bert")])
    assert log.read_bytes() == before


def test_to_undo_is_to_take_back_and_to_redo_is_to_undo_that(tmp_path):
    log = tmp_path / "cage.jsonl"
    said = claim()
    append_claims(log, [said])
    undone = take_back(log, read_log(log).claims, said.id, "kim")
    assert find_standing(read_log(log).claims) == []
    with pytest.raises(ConfigError, match="taken back already"):
        take_back(log, read_log(log).claims, said.id)
    take_back(log, read_log(log).claims, undone.id)
    assert find_standing(read_log(log).claims) == [said]
    with pytest.raises(ConfigError, match="none of that id"):
        take_back(log, read_log(log).claims, "nothing")


@pytest.mark.slow
@given(st.lists(st.integers(0, 5), max_size=12), st.randoms())
def test_what_stands_does_not_depend_on_clocks_or_order(targets, random):
    """Each retraction takes back the claim, or one of the earlier retractions; times are shuffled."""
    said = claim()
    entries = [said]
    for target in targets:
        entries.append(Retraction(**stamp(), retracts=entries[target % len(entries)].id))
    times = [one.time for one in entries]
    random.shuffle(times)
    shuffled = [one.model_copy(update={"time": time}) for one, time in zip(entries, times, strict=True)]
    random.shuffle(shuffled)

    def holds(place):
        return not any(holds(by) for by, one in enumerate(entries) if getattr(one, "retracts", "") == entries[place].id)

    assert bool(find_standing(shuffled)) == holds(0)
