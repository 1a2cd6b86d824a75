"""The step `promote`: which release is in use, for recordings that have none yet."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from poseflow.config import PromotionConfig
from poseflow.core.files import read_json, replacing
from poseflow.runs.lock import lock_results
from poseflow.runs.places import Places
from poseflow.runs.promotion import Decision, add_to_history, decide_promotion, find_incumbent, is_decided, read_history
from poseflow.runs.releases import read_release, write_release


def compare_candidate(
    candidate: Path,
    metrics: Sequence[Path],
    out: Path,
    block_frames: int,
    settings: PromotionConfig,
    places: Places,
) -> Decision:
    """Decide whether new models take the place of those in use, once; and write the release in use.

    Args:
        candidate: the new release.
        metrics: accuracy of the candidate and of the release it is compared with, on one test set; none where models
            were given.
        block_frames: see `runs.promotion.decide_promotion`.

    Returns: the last decision of the history.
    """
    key, history = read_json(candidate)["id"], read_history(places.history)
    if not is_decided(history, key):
        measured = [read_json(path) for path in metrics]
        pair = (measured[0], measured[-1]) if measured else None
        decision = decide_promotion(key, find_incumbent(history, key), pair, block_frames, settings)
        add_to_history(decision, places.history)
        history = [*history, decision]
    current = history[-1].current
    with replacing(out) as temporary:
        shutil.copyfile(candidate if current == key else places.release(current), temporary)
    return history[-1]


def put_in_use(decide: Callable[[Sequence[Decision]], Decision], places: Places) -> Decision:
    """Write a person's decision into the history, and make its release the one in use; raises RunError during a run."""
    with lock_results(places.lock):
        decision = decide(read_history(places.history))
        release = read_release(places.release(decision.current))
        add_to_history(decision, places.history)
        write_release(release, places.current_release)
    return decision
