"""Which release is in use: decided once, and put in use by a person."""

import pytest

from poseflow.config import PromotionConfig
from poseflow.core.errors import ModelError
from poseflow.core.files import read_json, write_json
from poseflow.core.skeleton import Skeleton
from poseflow.runs.lock import RunError, lock_results
from poseflow.runs.places import Places
from poseflow.runs.promotion import choose_release, read_history, roll_back
from poseflow.runs.releases import Release, write_release
from poseflow.steps.promote import compare_candidate, put_in_use

SKELETON = Skeleton(nodes=("nose", "tail"))


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path / "results", tmp_path / "logs")


def compare(places, key, *oks):
    """Compare a release whose test frames, and those of the one in use, score so."""
    release = Release(id=key, models={}, kinds={}, skeleton=SKELETON, version="1")
    write_release(release, places.release(key))
    metrics = [places.metrics("d", f"{key}{number}") for number in range(len(oks))]
    for path, score in zip(metrics, oks, strict=True):
        write_json({"frame_scores": [{"video": "a", "frame_idx": 10 * n, "oks": score} for n in range(20)]}, path)
    current = places.current_release
    return compare_candidate(places.release(key), metrics, current, 10, PromotionConfig(), places)


def in_use(places):
    return read_json(places.current_release)["id"]


@pytest.mark.slow
def test_the_better_one_is_in_use_and_each_is_decided_once(places):
    assert (compare(places, "a", 0.5).event, in_use(places)) == ("first", "a")
    assert (compare(places, "b", 0.4, 0.5).event, in_use(places)) == ("kept", "a")
    assert (compare(places, "c", 0.9, 0.5).event, in_use(places)) == ("promoted", "c")
    compare(places, "c", 0.1, 0.5)
    assert (len(read_history(places.history)), in_use(places)) == (3, "c"), "a decision is not taken back"


@pytest.mark.slow
def test_what_a_person_puts_in_use_stays_when_the_step_runs_again(places):
    compare(places, "a", 0.5)
    compare(places, "b", 0.9, 0.5)
    assert put_in_use(roll_back, places).current == in_use(places) == "a"
    compare(places, "b", 0.9, 0.5)
    assert in_use(places) == "a"
    put_in_use(lambda history: choose_release(history, "b"), places)
    assert in_use(places) == "b"


def test_nothing_is_put_in_use_during_a_run_or_where_there_is_nothing_to_go_back_to(places):
    compare(places, "a", 0.5)
    with pytest.raises(ModelError, match="in use before"):
        put_in_use(roll_back, places)
    with lock_results(places.lock), pytest.raises(RunError, match="only one run"):
        put_in_use(roll_back, places)
