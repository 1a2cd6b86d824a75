"""Registries: own parts, and those of packages that are installed beside."""

import pytest
from other_packages import install_package

from poseflow.core.errors import ConfigError
from poseflow.core.registry import Registry


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """A registry with a part of its own, beside an installed package that adds another, and a broken one."""
    parts = {"poseflow.toys": {"bear": "toybox:BEAR", "broken": "toybox.gone:PART"}}
    install_package(tmp_path, monkeypatch, "toybox", parts, "BEAR = 'a bear'\n")
    registry = Registry[str]("toys", "toy")
    registry.add("duck")("a duck")
    return registry


def test_parts_of_other_packages_stand_beside_our_own(toys):
    assert list(toys) == ["bear", "broken", "duck"]
    assert (toys["bear"], toys["duck"]) == ("a bear", "a duck")


def test_names_are_known_without_importing_a_part(toys):
    assert "broken" in toys and len(toys) == 3
    with pytest.raises(ModuleNotFoundError, match="toybox"):
        toys["broken"]


def test_a_misspelled_name_is_answered_with_those_that_there_are(toys):
    with pytest.raises(ConfigError, match=r"toy must be one of bear, broken, duck, got 'ducks'"):
        toys["ducks"]


def test_a_name_is_given_once(toys):
    with pytest.raises(ValueError, match="'duck' twice"):
        toys.add("duck")("another")


def test_our_own_parts_are_imported_when_they_are_asked_for():
    registry = Registry[type]("toys", "toy", duck="collections:OrderedDict", gone="poseflow.nowhere:Part")
    assert list(registry) == ["duck", "gone"]
    assert registry["duck"].__name__ == "OrderedDict"
    with pytest.raises(ValueError, match="'duck' twice"):
        registry.add("duck")(dict)


def test_settings_are_checked_against_the_names(toys):
    assert toys.check("broken") == "broken"
    with pytest.raises(ValueError, match=r"toy must be one of bear, broken, duck, got 'ducks'"):
        toys.check("ducks")
