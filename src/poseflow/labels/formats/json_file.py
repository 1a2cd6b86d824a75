"""What readers of JSON label files have in common."""

import json
import re
from pathlib import Path
from typing import Any

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import decode_head, one_line

HEAD_BYTES = 1 << 16


def has_words(path: Path, begin: str, *words: str) -> bool:
    """Whether a file begins so and has these keys near its beginning."""
    with path.open("rb") as file:
        head = decode_head(file.read(HEAD_BYTES))
    return head.startswith(begin) and all(re.search(f'"{word}"', head) for word in words)


def parse_json(path: Path, what: str) -> Any:
    """The content of a JSON file; raises LabelsError for a damaged one."""
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LabelsError(
            f"{path} must be {what}, got a damaged JSON (cut off, or still being written?): {one_line(error)}"
        ) from error
