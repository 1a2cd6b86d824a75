"""Settings that no run could follow are refused when they are read."""

import pytest

from poseflow.config import parse_config
from poseflow.core.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"videos": {"pixels_per_mm": 0}}, "videos.pixels_per_mm: .*greater than 0"),
        ({"videos": {"pixels_per_mm": float("nan")}}, "videos.pixels_per_mm"),
        ({"tracking": {"animals": 10}}, r"tracking.animals must be at most predict.max_instances \(6\), got 10"),
        ({"tracking": {"animals": 3, "max_tracks": 2}}, r"max_tracks must be at least animals \(3\), got 2"),
        ({"tracking": {"names": ["anna", "anna"]}}, "names must be distinct, got anna, anna"),
        ({"extract": {"candidates": 5}}, r"candidates must be at least frames_per_video \(20\), got 5"),
        ({"evaluation": {"pck_px": [5, 0]}}, "pck_px"),
        ({"evaluation": {"match_px": float("inf")}}, "evaluation.match_px: .*finite"),
        ({"tracking": {"max_distance_px": float("nan")}}, "tracking.max_distance_px"),
        ({"exports": ["slp", "csv", "slp"]}, "exports: each format must be named once, got slp, csv, slp"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_a_contradiction_is_an_error_that_names_it(values, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(values)


def test_the_same_settings_in_range_pass():
    parse_config({"videos": {"pixels_per_mm": 2.5}, "tracking": {"animals": 6, "max_tracks": 6}})
