"""Which release is in use: the comparison, the history, the way back."""

import numpy as np
import pytest

from poseflow.config import PromotionConfig
from poseflow.core.errors import ModelError
from poseflow.runs.promotion import (
    add_to_history,
    choose_release,
    compare,
    decide_promotion,
    describe_decision,
    find_incumbent,
    is_decided,
    read_history,
    roll_back,
)

CONFIG = PromotionConfig(resamples=2000)
NEW, OLD, OTHER = "aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"


def scores(mean, spread=0.02, frames=100, seed=0):
    random = np.random.default_rng(seed)
    return {("cage.mp4", frame): float(mean + spread * random.standard_normal()) for frame in range(frames)}


def metrics(of_frames):
    return {"frame_scores": [{"video": v, "frame_idx": f, "oks": oks} for (v, f), oks in of_frames.items()]}


def decide(new, old, block_frames=5):
    return decide_promotion(NEW, OLD, (metrics(new), metrics(old)), block_frames, CONFIG)


def test_a_better_candidate_is_promoted_and_a_worse_one_is_not():
    decision = decide(scores(0.9), scores(0.8, seed=1))
    assert (decision.event, decision.current) == ("promoted", NEW)
    assert decision.comparison.low > 0.08
    assert decision.comparison.high < 0.12
    decision = decide(scores(0.8), scores(0.9, seed=1))
    assert (decision.event, decision.current) == ("kept", OLD)


@pytest.mark.slow
def test_of_candidates_that_are_as_good_as_the_incumbent_few_are_promoted():
    """By the confidence, one in twenty."""
    promoted = [decide(scores(0.8, seed=seed), scores(0.8, seed=1000 + seed)).event for seed in range(60)]
    assert promoted.count("promoted") <= 8


def test_a_difference_that_all_frames_share_counts_though_the_frames_differ_widely():
    """That the comparison is paired."""
    old = scores(0.6, spread=0.2)
    decision = decide({frame: oks + 0.01 for frame, oks in old.items()}, old)
    assert decision.event == "promoted"
    assert decision.comparison.low == pytest.approx(0.01)


def test_neighboring_frames_are_drawn_together():
    """One long block where the candidate is better is one piece of luck, not fifty."""
    old = scores(0.8, spread=0)
    new = {frame: oks + (0.1 if frame[1] < 50 else -0.02) for frame, oks in old.items()}
    alone, together = (compare(new, old, block_frames, CONFIG) for block_frames in (1, 20))
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_frame_without_animals_where_one_invents_some_counts_against_it():
    old = scores(0.8, spread=0)
    new = {**old, **{("empty.mp4", frame): 0.0 for frame in range(100)}}
    comparison = compare(new, old, 5, CONFIG)
    assert comparison.frames == 200
    assert comparison.high < 0


def test_too_few_test_frames_leave_the_release_in_use():
    decision = decide(scores(0.9, frames=20), scores(0.1, frames=20))
    assert (decision.event, decision.current, decision.comparison) == ("kept", OLD, None)
    assert "label more" in decision.reason


def test_the_first_release_and_a_given_one_need_no_comparison():
    assert decide_promotion(NEW, None, (metrics(scores(0.5)),) * 2, 5, CONFIG).event == "first"
    assert decide_promotion(NEW, OLD, None, 5, CONFIG).current == NEW


@pytest.mark.parametrize("place", [0, 1], ids=["the candidate", "the release in use"])
def test_what_cannot_be_compared_is_not_promoted_and_a_person_may_choose_it(place):
    pair = [metrics(scores(0.5)), metrics(scores(0.5))]
    pair[place] = {"incomparable": "it finds nose, not tail"}
    decision = decide_promotion(NEW, OLD, tuple(pair), 5, CONFIG)
    assert (decision.event, decision.current) == ("incomparable", OLD)
    assert "it finds nose, not tail" in decision.reason
    assert describe_decision(decision).startswith(f"release {OLD} stays; {NEW} cannot be compared with it: ")
    history = [decide_promotion(OLD, None, None, 5, CONFIG), decision]
    assert is_decided(history, NEW), "it is not compared again in every run"
    chosen = choose_release(history, NEW)
    assert (chosen.event, chosen.current, chosen.incumbent) == ("chosen", NEW, OLD)
    assert roll_back([*history, chosen]).current == OLD
    with pytest.raises(ModelError, match=rf"must be a former candidate \({NEW}\), got {OTHER}"):
        choose_release(history, OTHER)


def test_a_candidate_measured_on_another_test_set_is_not_promoted():
    new, old = ({**metrics(scores(mean)), "frames": count, "animals": 9} for mean, count in ((0.9, 100), (0.8, 90)))
    decision = decide_promotion(NEW, OLD, (new, old), 5, CONFIG)
    assert (decision.event, decision.current) == ("incomparable", OLD)
    assert "other test sets, of 100 frames with 9 animals and 90 frames" in decision.reason


def test_the_first_release_goes_though_there_is_nothing_to_compare():
    decision = decide_promotion(NEW, None, ({"incomparable": "it finds nose, not tail"},) * 2, 5, CONFIG)
    assert (decision.event, decision.current) == ("first", NEW)


def test_a_candidate_is_compared_once(tmp_path):
    path = tmp_path / "history.json"
    assert read_history(path) == []
    assert find_incumbent([], OLD) is None
    add_to_history(decide_promotion(OLD, None, (metrics(scores(0.5)),) * 2, 5, CONFIG), path)
    assert find_incumbent(read_history(path), NEW) == OLD
    assert not is_decided(read_history(path), NEW)
    add_to_history(decide(scores(0.9), scores(0.8)), path)
    history = read_history(path)
    assert is_decided(history, NEW)
    assert find_incumbent(history, NEW) == OLD, "what it was compared with"
    assert find_incumbent(history, OTHER) == NEW
    add_to_history(roll_back(history), path)
    history = read_history(path)
    assert history[-1].current == OLD
    assert is_decided(history, NEW), "it is not promoted again in the next run"
    assert find_incumbent(history, NEW) == OLD
    assert [decision.event for decision in history] == ["first", "promoted", "rolled back"]


def test_one_can_go_back_only_to_what_was_in_use(tmp_path):
    history = [decide_promotion(OLD, None, None, 5, CONFIG)]
    with pytest.raises(ModelError, match="must be a release that was in use before"):
        roll_back(history)
    history.append(decide_promotion(NEW, OLD, None, 5, CONFIG))
    assert roll_back(history).current == OLD
    assert roll_back(history, OLD).current == OLD
    with pytest.raises(ModelError, match=rf"was in use before \({OLD}\), got {OTHER}"):
        roll_back(history, OTHER)


def test_a_damaged_history_names_its_file(tmp_path):
    (tmp_path / "history.json").write_text("[{}]")
    with pytest.raises(ModelError, match=r"history\.json: must be a history of releases"):
        read_history(tmp_path / "history.json")
