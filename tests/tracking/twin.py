"""The tracker once more, as plainly as it can be said: frame by frame, pair by pair. The oracle of the fast one."""

import itertools

import numpy as np

from poseflow.config import TrackingConfig
from poseflow.core.similarity import find_centroids, find_oks_areas, score_centroid_distance, score_iou, score_oks
from poseflow.tables import Predictions


def link_plainly(predictions: Predictions, config: TrackingConfig) -> dict[int, tuple[int, int]]:
    """Row → (track, tracklet)."""
    tracks: list[dict] = []
    tracklet_of: dict[int, int] = {}
    tracklets, full = 0, set()
    for frame in sorted(set(predictions.frame_idx.tolist())):
        rows = select(predictions, frame, config)
        matched = match(gains_by(track_gain, predictions, rows, frame, tracks, config), config)
        find_hidden(predictions, frame, [row for row in rows if row not in matched], matched, tracks, config)
        start_tracks(predictions, frame, [row for row in rows if row not in matched], matched, tracks, config)
        full = connect_break(matched, tracks, full, config)
        for row in rows:
            if row not in matched:
                continue
            track = tracks[matched[row]]
            if not track["path"] or track["path"][-1][0] != frame - 1:
                track["tracklet"] = tracklets
                tracklets += 1
            track["seen"][frame] = row
            track["path"].append((frame, row))
            tracklet_of[row] = track["tracklet"]
    return {row: (number, tracklet_of[row]) for number, track in enumerate(tracks) for row in track["seen"].values()}


def gains_by(score, predictions, rows, frame, tracks, config):
    gains = {
        (row, number): score(predictions, row, frame, track, config)
        for row in rows
        for number, track in enumerate(tracks)
    }
    return {pair: gain for pair, gain in gains.items() if gain is not None}


def select(predictions, frame, config):
    rows = [
        row
        for row in np.flatnonzero(predictions.frame_idx == frame).tolist()
        if (~np.isnan(predictions.points[row, :, 0])).sum() >= config.min_points and is_sure(predictions, row, config)
    ]
    rows.sort(key=lambda row: -predictions.score[row])
    return rows[: config.animals]


def is_sure(predictions, row, config):
    if predictions.score[row] >= config.min_instance_score:
        return True
    found = predictions.point_scores[row][~np.isnan(predictions.points[row, :, 0])]
    return np.mean(found) >= max(config.min_partial_score, config.min_instance_score)


def track_gain(predictions, row, frame, track, config):
    if config.candidates == "kalman":
        last = max(track["seen"], default=-99)
        return moved_gain(predictions, row, frame, track, config) if last >= frame - config.window_frames else None
    gains = []
    for lag in range(1, config.window_frames + 1):
        candidate = track["seen"].get(frame - lag)
        if candidate is not None:
            gains.append(gain_of(predictions, row, candidate, lag, config))
    gains = [gain for gain in gains if gain is not None]
    return float(np.quantile(gains, config.quantile)) if gains else None


def hidden_gain(predictions, row, frame, track, config):
    last = max(track["seen"], default=None)
    horizon = frame - config.window_frames
    if (
        last is None
        or last >= horizon
        or (config.max_gap_frames is not None and last < horizon - config.max_gap_frames)
    ):
        return None
    if config.candidates == "kalman":
        return moved_gain(predictions, row, frame, track, config)
    return gain_of(predictions, row, track["seen"][last], config.window_frames, config)


def gain_of(predictions, row, candidate, lag, config):
    there = predictions.points[candidate]
    if config.candidates == "flow":
        shifted = predictions.shifted[candidate, lag - 1]
        there = there if np.isnan(shifted).all() else shifted
    return compare(predictions.points[row], there, find_oks_areas(predictions.points[candidate]), config)


def moved_gain(predictions, row, frame, track, config):
    """The track's last instance, moved by a textbook Kalman filter of its centroids."""
    a, d = config.kalman.process_noise_px**2, config.kalman.damping
    forward = np.array([[1, 1], [0, d]])
    noise = a * np.array([[1 / 4, 1 / 2], [1 / 2, 1]])
    observe = np.array([[1, 0]])
    at, first = track["path"][0]
    state = np.array([find_centroids(predictions.points[first]), [0, 0]])
    spread = np.diag([config.kalman.measurement_noise_px**2, 100 * a])
    for now, seen in track["path"][1:]:
        for _ in range(now - at):
            state, spread = forward @ state, forward @ spread @ forward.T + noise
        gain = spread @ observe.T / (observe @ spread @ observe.T + config.kalman.measurement_noise_px**2)
        state = state + gain @ (find_centroids(predictions.points[seen])[None] - observe @ state)
        spread = (np.eye(2) - gain @ observe) @ spread
        at = now
    for _ in range(frame - at):
        state = forward @ state
    last = predictions.points[track["path"][-1][1]]
    there = last + (state[0] - find_centroids(last)).astype(np.float64)
    return compare(predictions.points[row], there, find_oks_areas(last), config)


def compare(here, there, area, config):
    area = max(find_oks_areas(here), area, 1)
    distance = float(score_centroid_distance([here], [there])[0, 0])
    if config.max_distance_px is not None and distance > config.max_distance_px:
        return None
    if config.similarity == "centroid":
        return (config.max_distance_px or 1e6) - distance
    if config.similarity == "oks":
        similarity = float(score_oks([here], [there], config.oks_factor, area=[area])[0, 0])
    elif config.similarity == "normalized":
        apart = np.hypot(*(here - there).T.astype(float))
        shared = ~np.isnan(apart)
        similarity = float(np.exp(-apart[shared].mean() / np.sqrt(area))) if shared.any() else 0.0
    else:
        similarity = float(score_iou([here], [there])[0, 0])
    return similarity + 1e-12 * (1e6 - distance) if similarity >= config.min_similarity else None


def match(gains, config):
    """Greedily, or by trying every matching."""
    if config.matching == "greedy":
        matched = {}
        for row, track in sorted(gains, key=gains.get, reverse=True):
            if row not in matched and track not in matched.values():
                matched[row] = track
        return matched
    rows = sorted({row for row, _ in gains})
    tracks = sorted({track for _, track in gains})
    best, total = {}, 0.0
    for choice in itertools.product([None, *tracks], repeat=len(rows)):
        pairs = [(row, track) for row, track in zip(rows, choice, strict=True) if track is not None]
        if len({track for _, track in pairs}) == len(pairs) and all(pair in gains for pair in pairs):
            gain = sum(gains[pair] for pair in pairs)
            if gain > total:
                best, total = dict(pairs), gain
    return best


def find_hidden(predictions, frame, alone, matched, tracks, config):
    if config.max_gap_frames != 0:
        matched.update(match(gains_by(hidden_gain, predictions, alone, frame, tracks, config), config))


def start_tracks(predictions, frame, alone, matched, tracks, config):
    alone = [row for row in alone if predictions.score[row] >= config.min_new_track_score]
    while alone and (config.max_tracks is None or len(tracks) < config.max_tracks):
        matched[alone.pop(0)] = len(tracks)
        tracks.append({"seen": {}, "path": [], "tracklet": None})
    lost = [
        n
        for n, track in enumerate(tracks)
        if track["seen"] and max(track["seen"]) < frame - config.window_frames and n not in matched.values()
    ]
    gains = {}
    for row, number in itertools.product(alone, lost):
        last = predictions.points[tracks[number]["seen"][max(tracks[number]["seen"])]]
        gains[row, number] = 1e6 - float(score_centroid_distance([predictions.points[row]], [last])[0, 0])
    matched.update(match(gains, config))


def connect_break(matched, tracks, full, config):
    """All animals in view, one track gone and one new: the new one takes over the old one's frames."""
    here = set(matched.values())
    if not config.connect_breaks or len(here) != config.animals:
        return full
    if len(full - here) == len(here - full) == 1:
        (old,), (new,) = full - here, here - full
        began = min(tracks[new]["seen"], default=np.inf)
        if max(tracks[old]["seen"]) < began:
            tracks[old] = {**tracks[new], "seen": {**tracks[old]["seen"], **tracks[new]["seen"]}}
            tracks[new] = {"seen": {}, "path": [], "tracklet": None}
            row = next(row for row, track in matched.items() if track == new)
            matched[row] = old
            here = set(matched.values())
    return here
