"""Docstrings as this package writes them, for mkdocstrings.

`Returns: a table.` on one line becomes a paragraph; `path, others:` in a list of arguments becomes two of them.
"""

import re
from typing import Any

from griffe import Extension, Object

PAIR = re.compile(r"^( +)(\w+), (\w+): ", re.MULTILINE)
LEAD = re.compile(r"^(Returns|Raises|Yields|Source|Example|Examples): (?=\S)", re.MULTILINE)


class HouseStyle(Extension):
    """Rewrites docstrings to what is looked for in them."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring and not obj.is_alias:
            text = PAIR.sub(r"\1\3: as `\2`.\n\1\2: ", obj.docstring.value)
            parts = text.replace("Example:\n    >>>", "Examples:\n    >>>").split("\n\n")
            obj.docstring.value = "\n\n".join(map(_mark, parts))


def _mark(part: str) -> str:
    if not LEAD.match(part):
        return part
    joined = " ".join(line.strip() for line in part.splitlines())
    return LEAD.sub(r"**\1:** ", joined)
