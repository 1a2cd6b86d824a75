"""Conditions on poses: what they say, and when they are asked."""

import sys
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from fake_live import FLIES, Clock, fly, make_poses

from poseflow.core.errors import ConfigError
from poseflow.live.triggers import Trigger, TriggerThread, parse_triggers
from poseflow.live.triggers.expression import Moment, compile_expression

NAMES = ("male", "female")
APPROACH = (
    "distance(male.head, female.abdomen) < 2 * mm and abs(bearing(male.thorax, male.head, female.thorax)) < 25 "
    "and abs(bearing(female.thorax, female.head, male.thorax)) > 145"
)
"""Pereira et al. 2022, Methods, "Closed-loop control"."""


def is_met(text, poses, before=None, pixels_per_mm=30.3):
    return compile_expression(text, FLIES, NAMES, pixels_per_mm)(Moment(poses, before))


def pair(behind_px=80.0, male_turn=0.0, side_deg=0.0):
    """A male that many px behind the thorax of a female, off her axis by an angle, turned away from her."""
    angle = np.radians(180 + side_deg)
    at = np.array([500, 500]) + behind_px * np.array([np.cos(angle), np.sin(angle)])
    return make_poses([fly(*at, side_deg + male_turn), fly(500, 500, 0)], NAMES)


@pytest.mark.parametrize(
    ("poses", "met"),
    [
        (pair(), True),
        (pair(behind_px=60 + 2 * 30.3 + 1), False),
        (pair(behind_px=60 + 2 * 30.3 - 1), True),
        (pair(male_turn=24), True),
        (pair(male_turn=-26), False),
        (pair(side_deg=30, behind_px=70), True),
        (pair(side_deg=-40, behind_px=70), False),
        (make_poses([fly(580, 500, 180), fly(500, 500, 0)], NAMES), False),
        (make_poses([fly(420, 500)], NAMES[:1]), False),
    ],
    ids=["behind", "too far", "near enough", "24 deg", "26 deg", "30 off axis", "40 off axis", "in front", "alone"],
)
def test_the_papers_approach(poses, met):
    assert is_met(APPROACH, poses) is met


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("count == 2", True),
        ("1 < count <= 2 and not count > 2", True),
        ("bearing(track1.thorax, track1.head, track0.thorax) == 180", True),
        ("bearing(male.thorax, male.head, female.thorax) < 0.01", True),
        ("male['head'].x < 3", None),
        ("min(distance(male.head, female.head), 5) == 5 and max(1, 2) / 2 - 1 == 0", True),
        ("distance(track7.head, male.head) < 5", False),
        ("not distance(track7.head, male.head) < 5", False),
        ("distance(track7.head, male.head) < 5 or count == 2", True),
        ("distance(male.head, male.head) / 0 > 1", False),
        ("False or -1 < 0", True),
    ],
)
def test_what_is_not_seen_is_neither_true_nor_false(text, met):
    if met is None:
        with pytest.raises(ConfigError):
            is_met(text, pair())
    else:
        assert is_met(text, pair()) is met


def test_right_of_an_animal_is_positive():
    """y points down: (500, 540) is to the right of an animal that heads along x."""
    poses = make_poses([fly(500, 540), fly(500, 500)], NAMES)
    assert is_met("bearing(female.thorax, female.head, male.thorax) == 90", poses)


def test_speed_is_that_between_two_looks():
    before, now = make_poses([fly(0, 0)], NAMES[:1]), make_poses([fly(3, 4)], NAMES[:1], number=3, time_s=0.02)
    assert is_met("abs(speed(male.thorax) - 250) < 0.001", now, before)
    assert not is_met("speed(male.thorax) >= 0", now), "there was no look before"
    assert not is_met("speed(male.thorax) >= 0", now, now), "there is nothing newer"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("distance(male.head, female.tail) < 1", "must name a node .head, thorax, abdomen., got 'tail'"),
        ("distance(mael.head, female.head) < 1", "must name an animal .male, female, track0, track1, ….*'mael'"),
        ("distance(male.head, female.head)", "must be a truth, got a number"),
        ("distance(male.head) < 1", "must be given 2 points, got 1"),
        ("distance(male.head, 3) < 1", "must be a point, got a number"),
        ("count <", "must be an expression"),
        ("count in 3", "must compare by"),
        ("male.head", "must be a truth, got a point"),
        ("__import__('os').system('true') == 0", "not of the language"),
        ("(lambda: 1)() == 1", "not of the language"),
        ("male.__class__ == 1", "must name a node"),
        ("open('/etc/passwd') == 1", "must call one of distance, bearing, abs, min, max, speed"),
        ("[c for c in ()] == 1", "not of the language"),
        ("count ** 99999999 > 1", "not of the language"),
        ("distance(a=male.head, b=male.head) < 1", "not of the language"),
        ("f'{count}' == 1", "not of the language"),
        ("(" * 1500 + "1" + ")" * 400, "must be an expression"),
        ("1 < " * 2000 + "1", "at most 2000 characters"),
    ],
)
def test_what_is_not_of_the_language_is_refused_before_anything_runs(text, fault):
    with pytest.raises(ConfigError, match=fault):
        compile_expression(text, FLIES, NAMES, 30.3)


def test_mm_needs_a_scale():
    with pytest.raises(ConfigError, match="--pixels-per-mm must be given"):
        compile_expression("distance(male.head, female.head) < 2 * mm", FLIES, NAMES)


def test_triggers_have_names_and_may_be_functions(tmp_path, monkeypatch):
    (tmp_path / "my_triggers.py").write_text("def close(poses):\n    return len(poses) > 1\n\nnumber = 3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    triggers = parse_triggers(["near = count == 2", "my_triggers:close", "count > 5"], FLIES, NAMES)
    assert [trigger.name for trigger in triggers] == ["near", "trigger2", "trigger3"]
    assert [trigger.evaluate(pair(), 1000.0).is_met for trigger in triggers] == [True, True, False]
    for text, fault in (
        (["a=count>1", "a=count>2"], "got a twice"),
        (["my_triggers:away"], "has no attribute 'away'"),
        (["no_module:close"], "No module named"),
        (["my_triggers:number"], "which is none"),
    ):
        with pytest.raises(ConfigError, match=fault):
            parse_triggers(text, FLIES, NAMES)
    monkeypatch.delitem(sys.modules, "my_triggers")


def test_old_poses_and_a_function_that_fails_meet_nothing(caplog):
    old = Trigger("old", lambda moment: True, stale_s=0.5)
    assert not old.evaluate(None, 1000.0).is_met
    assert old.evaluate(pair(), 1000.4).is_met
    event = old.evaluate(pair(), 1000.6)
    assert not event.is_met
    assert event.age_s == pytest.approx(0.6)

    broken = Trigger("broken", lambda moment: 1 / 0)
    assert not any(broken.evaluate(pair(), 1000.0).is_met for _ in range(3))
    assert (broken.failures, broken.met, broken.evaluations) == (3, 0, 3)
    assert caplog.text.count("ZeroDivisionError") == 1


def test_the_thread_tells_every_trigger_again_and_again_and_in_the_end_that_it_is_over():
    events = []
    triggers = [Trigger("always", lambda moment: True), Trigger("never", lambda moment: False)]
    poses = pair()
    now = Clock(1000.1)
    with TriggerThread(triggers, lambda: poses, events.append, 0.005, now):
        deadline = monotonic() + 10
        while len(events) < 6 and monotonic() < deadline:
            sleep(0.005)
    assert [event.name for event in events[:4]] == ["always", "never", "always", "never"]
    assert [event.is_met for event in events[:4]] == [True, False, True, False]
    assert [(event.name, event.is_met) for event in events[-2:]] == [("always", False), ("never", False)]


def test_the_condition_in_the_guide_is_the_one_tested_here():
    guide = (Path(__file__).parents[2] / "docs/how_to/live.md").read_text()
    assert " ".join(APPROACH.split()) in " ".join(guide.replace("\\\n", " ").split())
