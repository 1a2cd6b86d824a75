"""YAML files of settings, and what YAML takes without a word.

A key that is given twice, a value that holds itself, a number that is another than it looks like.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from poseflow.core.errors import ConfigError

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_OTHER_NUMBER = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-9_]+)+(\.[0-9_]*)?)")
"""A number in YAML's octal or sexagesimal form."""


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file of settings.

    Raises: ConfigError naming the file where it cannot be read or is no YAML in UTF-8, where a mapping has a key twice,
    of which the last would count, where a value holds itself, and where a number is read as another than is written:
    1:30 is 90 in YAML, and 010 is 8.
    """
    try:
        return parse_yaml(Path(path).read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(f"{path} must be a readable file, got: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} must be a YAML file in UTF-8, got another encoding: {error}") from None


def parse_yaml(text: str, source: str) -> Any:
    """What a YAML text says; raises ConfigError as `read_yaml`, naming the `source`."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        for fault in _find_faults(node, ()) if node else ():
            raise ConfigError(f"{source}: {fault}")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2026-13-01
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{source} must be YAML, got: {' '.join(str(error).split())}") from None


def _find_faults(node: yaml.Node, above: tuple[yaml.Node, ...]) -> Iterator[str]:
    line = node.start_mark.line + 1
    if any(node is one for one in above):
        yield f"a value must not hold itself, got one that does in line {line}"
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in seen:
                yield f"each key must be given once, got {name!r} again in line {key.start_mark.line + 1}"
            seen.add(name)
            yield from _find_faults(value, (*above, node))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _find_faults(value, (*above, node))
    elif node.tag in _NUMBERS and _OTHER_NUMBER.fullmatch(node.value):
        number = yaml.safe_load(node.value)
        yield (
            f"a number must be written as it is counted, got {node.value} in line {line}, which YAML reads as "
            f"{number}; text stands in quotes: '{node.value}'"
        )
