"""Sentences for messages."""

from collections.abc import Sequence


def list_some(names: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first of the names, and how many more there are.

    Example:
        >>> list_some(["a", "b", "c", "d"], 2)
        'a, b and 2 more'
    """
    return separator.join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
