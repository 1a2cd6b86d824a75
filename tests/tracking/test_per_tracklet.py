"""Names of whole tracklets: the most likely ones of all, by trying every one; and one name once in a frame."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.tracking.identity.per_tracklet import Tracklets, name_tracklets


def make(spans, logs, before=None, confidence=None):
    first, last = np.array(spans).T
    count = len(spans)
    return Tracklets(
        first=first,
        last=last,
        logs=np.asarray(logs, float),
        before=np.array(before if before is not None else [-1] * count),
        confidence=np.array(confidence if confidence is not None else [0.5] * count),
    )


def score_plainly(tracklets, codes):
    """Log-probability of names, or None where two that share a frame have the same."""
    names = tracklets.logs.shape[1] - 1
    total = 0.0
    for k, code in enumerate(codes):
        for other in range(k):
            if code >= 0 and codes[other] == code and tracklets.last[other] >= tracklets.first[k]:
                return None
        total += tracklets.logs[k, code]
        before = tracklets.before[k]
        if before >= 0 and not is_lost(tracklets, codes, k):
            total += np.log(tracklets.confidence[k] if code == codes[before] else (1 - tracklets.confidence[k]) / names)
    return total


def is_lost(tracklets, codes, k):
    """Whether somebody else bore the name of the tracklet before in between: then motion has nothing more to say."""
    before = tracklets.before[k]
    return codes[before] >= 0 and any(codes[other] == codes[before] for other in range(before + 1, k))


@st.composite
def tracklet_sets(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    count, names = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    first = np.sort(rng.integers(0, 20, count))
    last = first + rng.integers(0, 8, count)
    before = np.full(count, -1)
    for k in range(count):
        free = [j for j in range(k) if last[j] < first[k] and j not in before]
        if free and rng.random() < 0.8:
            before[k] = rng.choice(free)
    return make(np.stack([first, last], 1), rng.normal(0, 2, (count, names + 1)), before, rng.uniform(0.4, 0.99, count))


@pytest.mark.slow
@settings(max_examples=60)
@given(tracklet_sets())
def test_no_other_names_are_more_likely(tracklets):
    count, names = len(tracklets.first), tracklets.logs.shape[1] - 1
    scored = {codes: score_plainly(tracklets, codes) for codes in product(range(-1, names), repeat=count)}
    scored = {codes: score for codes, score in scored.items() if score is not None}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("UNLIKELY", "MOST_STATES"):  # what is forgotten may prove likely, though rarely
            patch.setattr(f"poseflow.tracking.identity.per_tracklet.{name}", 1e9)
        codes, scores = name_tracklets(tracklets)
    np.testing.assert_array_equal(name_tracklets(tracklets)[0], codes)
    assert scored[tuple(codes.tolist())] == pytest.approx(max(scored.values()))
    weights = {codes: np.exp(score) for codes, score in scored.items()}
    for k, code in enumerate(codes.tolist()):
        share = sum(weight for other, weight in weights.items() if other[k] == code) / sum(weights.values())
        assert scores[k] == pytest.approx(share, abs=1e-5)


@settings(max_examples=20)
@given(tracklet_sets(), st.integers(1, 4))
def test_blocks_that_look_ahead_to_the_end_change_nothing(tracklets, block):
    expected = name_tracklets(tracklets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poseflow.tracking.identity.per_tracklet.BLOCK", block)
        found = name_tracklets(tracklets)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], atol=1e-5)


def test_looks_overrule_motion_only_with_enough_of_them():
    spans, before = [(0, 9), (0, 9), (10, 19), (10, 19)], [-1, -1, 0, 1]
    sides = [[0, -5, -3], [-5, 0, -3]]
    weak, strong = [[-1, 0, -3], [0, -1, -3]], [[-9, 0, -9], [0, -9, -9]]
    stay, _ = name_tracklets(make(spans, sides + weak, before, [0.5, 0.5, 0.99, 0.99]))
    swap, _ = name_tracklets(make(spans, sides + strong, before, [0.5, 0.5, 0.99, 0.99]))
    assert stay.tolist() == [0, 1, 0, 1]
    assert swap.tolist() == [0, 1, 1, 0]
