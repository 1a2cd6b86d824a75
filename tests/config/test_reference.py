"""What is generated from the settings' descriptions says what the settings are."""

from typing import Annotated, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel, Field

from poseflow.config import Config, ModelConfig, Section
from poseflow.config.reference import generated_files, write_yaml
from poseflow.config.synth import SynthConfig


def settings(section, prefix=""):
    """All settings of a section and those in it: name and field."""
    for name, field in section.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if inner != [field.annotation]:
            yield prefix + name, field
        for kind in inner:
            yield from settings(kind, f"{prefix}{name}.")


ALL = {name: field for section in (Config, ModelConfig, SynthConfig) for name, field in settings(section)}


@pytest.mark.parametrize("name", ALL)
def test_every_setting_is_described_with_all_that_it_may_be(name):
    field = ALL[name]
    assert field.description and field.description.endswith(".")
    if get_origin(field.annotation) is Literal and name != "kind":
        options = [str(option) for option in get_args(field.annotation) if len(get_args(field.annotation)) > 1]
        assert not [option for option in options if option not in field.description]


@pytest.mark.parametrize("path", generated_files())
def test_what_is_generated_is_as_the_settings_are(path, pytestconfig):
    assert (pytestconfig.rootpath / path).read_text(encoding="utf-8") == generated_files()[path], "run `make schema`"


class Inner(Section):
    """How it is weighed."""

    weight: float = Field(1e-5, description="In grams.")


class Outer(Section):
    """A section."""

    names: tuple[str, ...] = Field(("*.mp4",), description="Patterns.", examples=[["a: b"]])
    table: dict[str, Annotated[int, Field(ge=1)]] = Field({"a": 1}, description="Numbers " + "and numbers " * 20)
    inner: Inner = Inner()


class Whole(Section):
    """A configuration."""

    outer: Outer = Outer()


def test_the_commented_yaml_has_the_defaults_and_the_descriptions():
    text = write_yaml(Whole)
    assert Whole.model_validate(yaml.safe_load(text)) == Whole()
    assert yaml.safe_load(text)["outer"]["inner"] == {"weight": 1e-5}
    assert "  # Patterns.\n  # For example: ['a: b']\n  names: ['*.mp4']\n" in text
    assert "  inner: # How it is weighed.\n    weight: 1.0e-05 # In grams.\n" in text
    assert max(map(len, text.splitlines())) <= 120
