"""The page's TypeScript types, made from the messages' JSON schemas: `python -m poseflow.server.typescript FILE`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from poseflow.core.files import replacing
from poseflow.corrections import AnyClaim, Sighting
from poseflow.server.messages import claims, common, labels, poses, recordings, run
from poseflow.server.messages.common import Message

HEAD = "// Made by `make schema` from poseflow.server.messages; do not edit.\n"
UNIONS = {"Claim": AnyClaim, "ServerEvent": claims.ServerEvent}
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def write_types() -> str:
    """All types, in the order of their names."""
    definitions = _find_definitions()
    parts = [_write_interface(name, schema) for name, schema in sorted(definitions.items())]
    unions = [
        f"export type {name} = {' | '.join(sorted(member.__name__ for member in get_args(union)))};\n"
        for name, union in UNIONS.items()
    ]
    return "\n".join([HEAD, *parts, *unions])


def _find_definitions() -> dict[str, Any]:
    modules = (claims, common, labels, poses, recordings, run)
    models: list[type[BaseModel]] = [
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Message) and one.__module__ == module.__name__
    ]
    every: list[type[BaseModel]] = [*models, Sighting]
    both: list[tuple[type[BaseModel], Any]] = [(one, "validation") for one in every if one is not Message]
    _, schema = models_json_schema(both)
    union = TypeAdapter(AnyClaim).json_schema()
    return {**schema["$defs"], **union["$defs"]}


def _write_interface(name: str, schema: dict[str, Any]) -> str:
    said = schema.get("description", "").split("\n")[0]
    lines = [f"/** {said} */"] if said else []
    lines += [f"export interface {name} {{", *_write_fields(schema), "}", ""]
    return "\n".join(lines)


def _write_fields(schema: dict[str, Any]) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        is_tag = name in ("kind", "type") and "const" in field  # a default, and there always
        yield f"  {name}{'' if name in required or is_tag else '?'}: {_write_type(field)};"


def _write_type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(map(json.dumps, schema["enum"]))
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(dict.fromkeys(map(_write_type, schema[union])))
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(map(_write_type, schema['prefixItems']))}]"
        return f"({_write_type(schema.get('items', {}))})[]"
    if schema.get("type") == "object":
        return f"Record<string, {_write_type(schema.get('additionalProperties', {}))}>"
    return _PLAIN.get(schema.get("type", ""), "unknown")


def main() -> None:
    """Write the types to the file that is named."""
    with replacing(Path(sys.argv[1])) as temporary:
        temporary.write_text(write_types(), encoding="utf-8")


if __name__ == "__main__":
    main()
