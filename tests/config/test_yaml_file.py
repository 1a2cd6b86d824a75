"""What YAML takes without a word is refused, and what is no YAML is told in one line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.config import Config, parse_config, parse_yaml, read_yaml
from poseflow.core.errors import ConfigError


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"tracking: {animals: 2}\nvideos: {}\ntracking: {animals: 3}\n", "given once, got 'tracking' again in line 3"),
        (b"videos:\n  animals: {a: 1, b: 2, a: 3}\n", "given once, got 'a' again in line 2"),
        (b"models: &a\n  b: *a\n", "must not hold itself"),
        (b"tracking:\n\tanimals: 2\n", "must be YAML, got: .* line 2"),
        ("tracking: {animals: 2}".encode("utf-16"), "must be a YAML file in UTF-8"),
        (b"videos: {root: K\xe4fig}", "must be a YAML file in UTF-8"),
        (b"videos: \0", "must be YAML"),
        (b"videos: {root: 2026-13-01}", "must be YAML, got: month must be"),
        (b"predict: {shard_frames: 010}", "must be written as it is counted, got 010 in line 1, which YAML reads as 8"),
        (b"a:\n- {b: -1:30.5}", "got -1:30.5 in line 2, which YAML reads as -90.5; text stands in quotes"),
        (b"a: !!python/object:os.system x", "must be YAML, got: could not determine"),
    ],
)
def test_a_file_of_settings_that_says_something_else_than_it_seems_to(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"a\.yaml.*{fault}") as raised:
        read_yaml(tmp_path / "a.yaml")
    assert "\n" not in str(raised.value)


def test_a_value_that_is_used_twice_is_none_given_twice() -> None:
    text = "a: &x {b: 1}\nc: *x\nd: {<<: *x, b: 2}\n"
    assert parse_yaml(text, "x") == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 2}}
    assert parse_yaml("", "x") is None


def test_numbers_as_they_are_counted_and_text_of_digits_pass() -> None:
    text = "[0, 10, 1_000, 0.5, 0x10, -7, '010', '1:30', a:1, 0.0]"
    assert parse_yaml(text, "x") == [0, 10, 1000, 0.5, 16, -7, "010", "1:30", "a:1", 0.0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tracking: {animals: yes}", "animals must be a number, got true"),
        ("videos: {pixels_per_mm: on}", "pixels_per_mm must be a number, got true"),
        ("predict: {flow: {window_frames: true}}", "window_frames must be a number, got true"),
        ("labels: {paths: labels/*.slp}", r"labels\.paths: must be a list, as \[one, two\], got 'labels/\*\.slp'"),
        (
            "tracking: {names: [no, on]}",
            r"tracking\.names\.0: must be text, got false \(YAML's yes, no, on and off; text",
        ),
        ("tracking: {window_frames: null}", r"window_frames: must be a whole number, got nothing \(null\)"),
        ("render: on", "render: must be a section with settings of its own, got true"),
        ("predictions: {}", "predictions: .*, got an empty mapping"),
        ("predictions: {from: ''}", r"predictions\.from: .*, got ''"),
        ("[]", "top level"),
        ("0", "top level"),
    ],
)
def test_a_value_of_another_kind_is_no_number(text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        parse_config(parse_yaml(text, "x"))


def test_a_section_whose_keys_are_all_commented_out_has_the_defaults() -> None:
    assert parse_config(parse_yaml("tracking:\n#  animals: 2\nvideos:\n", "x")) == Config()


@pytest.mark.parametrize("change", ["animals=[", "animals.a=2", "a.b.c=*x", "animals=&a [*a]", "animals=true"])
def test_a_setting_that_cannot_be_taken_is_told_in_one_line(change: str) -> None:
    error = CliRunner().invoke(app, ["track", "x.parquet", "--index", "x.json", "-o", "o", "-s", change]).exception
    assert isinstance(error, ConfigError) and "--set" in str(error) and "\n" not in str(error)
