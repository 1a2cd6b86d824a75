"""Settings that no run could follow are refused when they are read."""

import pytest

from poseflow.config import parse_config
from poseflow.core.errors import ConfigError

NOON = "2026-03-01T12:00:00"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"videos": {"pixels_per_mm": 0}}, "videos.pixels_per_mm: a scale must be a number above 0, got 0"),
        ({"videos": {"pixels_per_mm": {"rig1": -2.5}}}, "above 0, got -2.5 for rig1"),
        ({"videos": {"pixels_per_mm": float("nan")}}, "videos.pixels_per_mm"),
        ({"videos": {"start_times": {"a.mp4": NOON}}}, f"must have a time zone, .* got {NOON} for a.mp4"),
        ({"tracking": {"animals": 10}}, r"tracking.animals must be at most predict.max_instances \(6\), got 10"),
        ({"videos": {"animals": {"b": 7}}}, r"videos.animals of b must be at most predict.max_instances \(6\), got 7"),
        ({"videos": {"animals": {"b": 0}}}, "videos.animals.b: .*greater than or equal to 1"),
        ({"tracking": {"animals": 3, "max_tracks": 2}}, r"max_tracks must be at least animals \(3\), got 2"),
        ({"extract": {"candidates": 5}}, r"candidates must be at least frames_per_video \(20\), got 5"),
        ({"evaluation": {"pck_px": [5, 0]}}, "pck_px"),
        ({"evaluation": {"match_px": float("inf")}}, "evaluation.match_px: .*finite"),
        ({"tracking": {"max_distance_px": float("nan")}}, "tracking.max_distance_px"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_a_contradiction_is_an_error_that_names_it(values, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(values)


def test_the_same_settings_in_range_pass():
    start = {"a.mp4": f"{NOON}+01:00"}
    config = parse_config(
        {
            "videos": {"pixels_per_mm": {"rig1": 2.5}, "start_times": start},
            "tracking": {"animals": 6, "max_tracks": 6},
        }
    )
    assert config.videos.start_times["a.mp4"].isoformat() == start["a.mp4"]
