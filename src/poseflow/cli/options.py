"""What the verbs have in common: settings from a configuration file and from the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from poseflow.core.errors import ConfigError

if TYPE_CHECKING:  # importing these takes longer than help may
    from poseflow.config import Config, Section
    from poseflow.media import VideoIndex

S = TypeVar("S", bound="Section")
Verb = TypeVar("Verb", bound=Callable[..., None])

Out = Annotated[Path, typer.Option("--out", "-o", help="File that is written; a crash leaves the old one or none.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Take the settings from this file, such as config/config.yaml.")
]
Models = Annotated[list[Path], typer.Option("--model", "-m", help="A model folder, ours or SLEAP's; may be repeated.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Change one setting of those below; may be repeated."),
]


def find_index(recording: Path, config: Config) -> VideoIndex:
    """A recording's index: read from a file of `poseflow index`, or made here from the recording itself."""
    from poseflow.media import index_video, read_index

    if recording.suffix.lower() == ".json" and not recording.is_dir():
        return read_index(recording)
    return index_video(recording, config.videos.h5_dataset)


def read_config(path: Path | None) -> Config:
    """Read a workflow configuration, or give the defaults; raises ConfigError."""
    from poseflow.config import Config, parse_config, read_yaml

    if path is None:
        return Config()
    return parse_config(read_yaml(path), str(path))


def read_project(path: Path) -> Config:
    """Read the settings of the project in this folder; raises ConfigError where it is none."""
    if not path.is_file():
        raise ConfigError(f"this must be a project's folder, with {path}, got {Path.cwd()}")
    return read_config(path)


def read_section(kind: type[S], name: str, config: Path | None, changes: Sequence[str] | None) -> S:
    """Settings of one section: those of the file, with the command line's laid over; raises ConfigError."""
    return change_section(getattr(read_config(config), name), changes, kind)


def change_section(section: Section, changes: Sequence[str] | None, kind: type[S]) -> S:
    """Lay `KEY=VALUE` changes (values as YAML, keys of sections in sections with dots) over settings."""
    from poseflow.config import parse_section, parse_yaml

    values = section.model_dump(mode="json")
    for change in changes or ():
        key, separator, text = change.partition("=")
        if not separator:
            raise ConfigError(f"--set must be KEY=VALUE, got {change!r}")
        place = values
        *parents, last = key.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise ConfigError(f"--set must name a setting, got {key!r}: {parent} is none with others in it")
        place[last] = parse_yaml(text, f"--set {key}")
    return parse_section(kind, values, "--set")


def shows(section: type[Section]) -> Callable[[Verb], Verb]:
    """Decorate a verb to have a section's settings in its help."""

    def note(verb: Verb) -> Verb:
        verb.settings = section  # type: ignore[attr-defined]
        return verb

    return note


def list_settings(section: type[Section]) -> str:
    """Describe a section's settings, for a verb's help."""
    return "**Settings**, with their defaults:\n\n" + "\n".join(_setting_lines(section, ""))


def _setting_lines(section: type[Section], prefix: str) -> list[str]:
    import yaml
    from pydantic_core import to_jsonable_python

    from poseflow.config import Section

    lines = []
    for name, field in section.model_fields.items():
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            lines += _setting_lines(kind, f"{prefix}{name}.")
            continue
        default = yaml.safe_dump(to_jsonable_python(field.get_default()), default_flow_style=True, width=1000).split(
            "\n"
        )[0]
        lines.append(f"- `{prefix}{name}={default}` {field.description or ''}")
    return lines
