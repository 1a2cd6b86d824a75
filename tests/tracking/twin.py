"""The tracker once more, as plainly as it can be said: frame by frame, pair by pair. The oracle of the fast one."""

import itertools

import numpy as np

from poseflow.config import TrackingConfig
from poseflow.similarity import find_box_areas, score_centroid_distance, score_iou, score_oks
from poseflow.tables import Predictions


def link_plainly(predictions: Predictions, config: TrackingConfig) -> dict[int, tuple[int, int]]:
    """Row → (track, tracklet)."""
    tracks: list[dict] = []
    result: dict[int, tuple[int, int]] = {}
    tracklets = 0
    for frame in sorted(set(predictions.frame_idx.tolist())):
        rows = select(predictions, frame, config)
        gains = {
            (row, number): best_gain(predictions, row, frame, track, config)
            for row in rows
            for number, track in enumerate(tracks)
        }
        matched = match({pair: gain for pair, gain in gains.items() if gain is not None}, config)
        start_tracks(predictions, frame, [row for row in rows if row not in matched], matched, tracks, config)
        for row in rows:
            if row not in matched:
                continue
            track = tracks[matched[row]]
            if track["seen"].get(frame - 1) is None:
                track["tracklet"] = tracklets
                tracklets += 1
            track["seen"][frame] = row
            result[row] = (matched[row], track["tracklet"])
    return result


def select(predictions, frame, config):
    rows = [
        row
        for row in np.flatnonzero(predictions.frame_idx == frame).tolist()
        if (~np.isnan(predictions.points[row, :, 0])).sum() >= config.min_points
        and predictions.instance_score[row] >= config.min_instance_score
    ]
    rows.sort(key=lambda row: -predictions.instance_score[row])
    return rows[: config.animals]


def best_gain(predictions, row, frame, track, config):
    gains = []
    for lag in range(1, config.window_frames + 1):
        candidate = track["seen"].get(frame - lag)
        if candidate is not None:
            gains.append(gain_of(predictions, row, candidate, lag, config))
    return max((gain for gain in gains if gain is not None), default=None)


def gain_of(predictions, row, candidate, lag, config):
    here, there = predictions.points[row], predictions.points[candidate]
    area = max(find_box_areas(here), find_box_areas(there), 1)
    if config.candidates == "flow":
        shifted = predictions.shifted[candidate, lag - 1]
        there = there if np.isnan(shifted).all() else shifted
    distance = float(score_centroid_distance([here], [there])[0, 0])
    if config.max_distance_px is not None and distance > config.max_distance_px:
        return None
    if config.similarity == "centroid":
        return (config.max_distance_px or 1e6) - distance
    if config.similarity == "oks":
        similarity = float(score_oks([here], [there], config.oks_factor, area=[area])[0, 0])
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


def start_tracks(predictions, frame, alone, matched, tracks, config):
    alone = [row for row in alone if predictions.instance_score[row] >= config.min_new_track_score]
    while alone and (config.max_tracks is None or len(tracks) < config.max_tracks):
        matched[alone.pop(0)] = len(tracks)
        tracks.append({"seen": {}, "tracklet": None})
    lost = [n for n, track in enumerate(tracks) if track["seen"] and max(track["seen"]) < frame - config.window_frames]
    gains = {}
    for row, number in itertools.product(alone, lost):
        last = predictions.points[tracks[number]["seen"][max(tracks[number]["seen"])]]
        gains[row, number] = 1e6 - float(score_centroid_distance([predictions.points[row]], [last])[0, 0])
    matched.update(match(gains, config))
