"""The settings of another program, each of which has to be accounted for: none is dropped without a word."""

from collections.abc import Iterator, Mapping
from typing import Any

UNSET: tuple[Any, ...] = (None, "", [], {})
"""Values of a setting that is not set."""


class Ledger:
    """Settings of a file by their paths (`data.preprocessing.scale`), and what became of each of them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Settings, nested as they are in the file; a list is one setting."""
        self._settings = dict(_flatten(values))
        self._settled: set[str] = set()
        self._notes: list[str] = []
        self.idle: set[str] = set()
        """Settings without effect, since that which they are about is switched off."""

    def parts_of(self, section: str) -> list[str]:
        """Names of the sections right below one that have any setting."""
        below = [path.removeprefix(f"{section}.") for path in self._below(section) if path != section]
        return list(dict.fromkeys(path.split(".")[0] for path in below if "." in path))

    def has(self, path: str) -> bool:
        """Whether a setting is set."""
        return self._settings.get(path) not in UNSET

    def take(self, path: str, default: Any = None) -> Any:
        """The value of a setting that a profile has a place for."""
        self._settled.add(path)
        value = self._settings.get(path)
        return default if value is None else value

    def same(self, path: str, *values: Any) -> None:
        """A setting that is as it is here, if it has one of these values or is not set."""
        if self._settings.get(path) in (*UNSET, *values):
            self._settled.add(path)

    def switch_off(self, section: str) -> None:
        """A section, or settings that begin so, without effect."""
        found = set(self._below(section)) - self._settled
        self.idle |= found
        self._settled |= found

    def names_in(self, section: str) -> list[str]:
        """Names of the settings right in a section."""
        below = [path.removeprefix(f"{section}.") for path in self._below(section) if path != section]
        return [name for name in below if "." not in name]

    def say(self, path: str, why: str) -> None:
        """A setting that has no exact counterpart, and what is done in its place."""
        self._settled.add(path)
        self._notes.append(f"{path}: {_show(self._settings.get(path))}: {why}")

    def leave(self, section: str, why: str) -> None:
        """All of a section that is not settled yet: it has its place elsewhere, or none; one line for all of it."""
        found = {path for path in self._below(section) if path not in self._settled}
        if any(self._settings[path] not in UNSET for path in found):
            value = f": {_show(self._settings[section])}" if section in self._settings else ""
            self._notes.append(f"{section}{value}: {why}")
        self._settled |= found

    def describe_rest(self) -> tuple[str, ...]:
        """A line for all that has no counterpart."""
        rest = [path for path, value in self._settings.items() if path not in self._settled and value not in UNSET]
        return (*self._notes, *(f"{path}: {_show(self._settings[path])}: no counterpart" for path in rest))

    def _below(self, section: str) -> Iterator[str]:
        return (path for path in self._settings if path == section or path.startswith(f"{section}."))


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{path}.")
        else:
            yield path, value


def _show(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
