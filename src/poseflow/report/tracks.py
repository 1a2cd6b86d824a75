"""How well animals were followed: tables of tracks, and of tracking against labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from poseflow.report.grid import Grid, count, number, percent
from poseflow.report.recordings import MAX_LISTED, Recording


def tabulate_tracks(recordings: Sequence[Recording]) -> Grid:
    """One row per video that has a pose table."""
    rows = []
    for recording in recordings[:MAX_LISTED]:
        timeline = recording.timeline
        if timeline is None:
            continue
        longest = timeline.longest_frames / timeline.frames_read if timeline.frames_read else None
        rows.append(
            [
                recording.video,
                count(timeline.tracks),
                count(timeline.usual),
                percent(timeline.usual_share),
                percent(longest),
            ]
        )
    left_out = len(recordings) - len(rows)
    caption = f"The first {len(rows)} videos; {left_out:,} more are left out." if left_out else ""
    columns = ["video", "#tracks", "#animals in most frames", "#frames with so many", "#longest track, of all frames"]
    return Grid(columns, rows, caption)


def tabulate_tracking(metrics: Mapping[str, Mapping[str, Any]]) -> Grid:
    """Tracks against labeled animals (`poseflow.evaluation.evaluate_tracks`), one row per video."""
    rows = [
        [
            video,
            count(figures["frames"]),
            f"{figures['tracks']:,} / {figures['animals']:,}",
            count(figures["switches"]),
            _say_rate(figures),
            number(figures["idf1"], 3),
            number(figures["mota"], 3),
            count(figures["false_negatives"]),
            count(figures["false_positives"]),
            percent(figures.get("identity_accuracy"), 2),
        ]
        for video, figures in metrics.items()
    ]
    caption = (
        "Against labels with names. Switches: an animal goes on under another track (two when two animals change "
        "places); beside the count, what that makes per 100,000 frames, as in the SLEAP paper, with its 95 % "
        "confidence interval. IDF1: share of poses under the right name; MOTA: 1 less the shares of false negatives, "
        "false positives and switches. Both are 1 when perfect. Named rightly: of the detected animals, those "
        "under their own names."
    )
    columns = ["video", "#labeled frames", "#tracks / animals", "#switches", "#per 100,000 frames", "#IDF1", "#MOTA"]
    return Grid([*columns, "#false negatives", "#false positives", "#named rightly"], rows, caption)


def _say_rate(metrics: Mapping[str, Any]) -> str:
    """Switches per 100,000 frames, with their interval."""
    interval = metrics.get("switches_per_100k_interval")
    rate = number(metrics["switches_per_100k_frames"], 1)
    return f"{rate} ({number(interval[0], 1)} to {number(interval[1], 1)})" if interval else rate
