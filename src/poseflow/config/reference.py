"""What is generated from the settings' descriptions: `config.yaml`, JSON schemas and the reference page."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc, isabstract
from typing import Any, get_args

import yaml
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from poseflow.config import HEADS, Config, ModelConfig
from poseflow.config.section import Section

WIDTH = 120
YAML_HEAD = """\
# yaml-language-server: $schema=schema.json
# Every setting with its default. A key that is left out has its default; a misspelled one is refused.
# Longer explanations and recipes: config/README.md. `make schema` writes this file, from src/poseflow/config/.
"""
PAGE_HEAD = """\
# Configuration: all settings

Recipes and explanations are in [config/README.md](../../config/README.md); this page lists every setting. It is made by
`make schema` from the descriptions in `src/poseflow/config/`.

## config/config.yaml
"""
MODEL_HEAD = """\
## Model profiles

A file of `config/models/` describes one network and how it is trained; `models` in `config.yaml` names the profiles
that are used. Sections that are left out have their defaults.
"""


def generated_files() -> dict[str, str]:
    """Text of each generated file, by its path in the repository."""
    return {
        "config/config.yaml": write_yaml(Config),
        "config/schema.json": _write_schema(Config),
        "config/models/schema.json": _write_schema(ModelConfig),
        "docs/reference/configuration.md": _write_page(),
    }


def write_yaml(section: type[Section]) -> str:
    """All settings of a section with their defaults as commented YAML."""
    lines = [YAML_HEAD.rstrip()]
    for name, field in section.model_fields.items():
        lines += ["", *_yaml_entry(name, field, "")]
    return "\n".join(lines) + "\n"


def _yaml_entry(name: str, field: FieldInfo, indent: str) -> Iterator[str]:
    """A comment beside a setting where it has room, else above."""
    inner = _section_of(field)
    about = _describe(field)
    entry = indent + _yaml_setting(name, field).replace("\n", f"\n{indent}")
    if field.examples or "\n" in entry or not indent or len(f"{entry} # {about}") > WIDTH:
        yield from _comment(about, indent)
        for example in field.examples or ():
            yield f"{indent}# For example: {_flow(example)}"
        yield entry
    else:
        yield f"{entry} # {about}" if about else entry
    if inner:
        for key, value in inner.model_fields.items():
            yield from _yaml_entry(key, value, indent + "  ")


def _yaml_setting(name: str, field: FieldInfo) -> str:
    if _section_of(field):
        return f"{name}:"
    default = _default(field)
    if isinstance(default, Mapping) and default:
        # A comment: names in a file that is laid over this one would be added to these, not take their place.
        lines = [f"{name}:", *(f"  {key}: {_flow(value)}" for key, value in default.items())]
        return "\n".join(f"# {line}" for line in lines)
    return f"{name}: {_flow(default)}"


def _comment(text: str, indent: str) -> list[str]:
    lead = f"{indent}# "
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)


def _write_schema(section: type[Section]) -> str:
    return json.dumps(section.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _write_tables(section: type[Section]) -> str:
    """A table for each section, and one for the settings that are in none."""
    single = [name for name, field in section.model_fields.items() if not _section_of(field)]
    parts = [_write_table(_rows(section, single, ""))]
    for name, field in section.model_fields.items():
        if inner := _section_of(field):
            rows = _rows(inner, inner.model_fields, "")
            parts.append(f"### {name}\n\n{_describe(field)}\n\n{_write_table(rows)}")
    return "\n" + "\n".join(parts)


def _write_page() -> str:
    return PAGE_HEAD + _write_tables(Config) + "\n" + MODEL_HEAD + _write_tables(ModelConfig)


def _write_table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    lines = ["| setting | default | values | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(c.replace("|", r"\|") for c in row) + " |" for row in rows)]) + "\n"


def _rows(section: type[Section], names: Iterable[str], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Setting, default, values and meaning of a section's fields, those of sections in sections too."""
    schema = section.model_json_schema()
    for name in names:
        field = section.model_fields[name]
        if not (inner := _section_of(field)):
            default = "" if field.is_required() else f"`{_flow(_default(field))}`"
            about = " ".join([_describe(field), *(f"For example: `{_flow(each)}`." for each in field.examples or ())])
            yield f"`{prefix}{name}`", default, _values(schema["properties"][name]), about
        for part in [inner] if inner else _sections_in(field):
            lead = f"{prefix}{name}." if inner else f"{prefix}{name}[]."
            yield from _rows(part, part.model_fields, lead)
    for name in section.known_keys():
        if name not in section.model_fields:
            yield from _rows(HEADS[name], HEADS[name].model_fields, f"{prefix}{name}.")


def _values(schema: Mapping[str, Any]) -> str:
    """What a setting may be, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_values(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "$ref" in schema:
        return "mapping"
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return "[" + ", ".join(_values(each) for each in schema["prefixItems"]) + "]"
        return f"list of {_values(schema['items'])}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"mapping to {_values(inner)}" if isinstance(inner, Mapping) else "mapping"
    if kind == "string":
        return "date and time" if schema.get("format") == "date-time" else "text"
    if kind == "boolean":
        return "`true`, `false`"
    if kind == "null":
        return "`null`"
    if kind not in ("integer", "number"):
        return "any"
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[name]:g}" for name, sign in signs.items() if name in schema]
    return " ".join([{"integer": "whole number", "number": "number"}[kind], ", ".join(limits)]).strip()


def _describe(field: FieldInfo) -> str:
    """A field's description; of a section, its docstring."""
    inner = _section_of(field)
    return field.description or (" ".join(cleandoc(inner.__doc__ or "").split()) if inner else "")


def _section_of(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    if not (isinstance(kind, type) and issubclass(kind, Section)):
        return None
    # Of a part that is chosen by its name, the default shows what there is to set.
    return type(field.get_default(call_default_factory=True)) if isabstract(kind) else kind


def _sections_in(field: FieldInfo) -> list[type[Section]]:
    """Sections that a list holds."""
    return [kind for kind in get_args(field.annotation) if isinstance(kind, type) and issubclass(kind, Section)]


def _default(field: FieldInfo) -> Any:
    return to_jsonable_python(field.get_default(call_default_factory=True))


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
