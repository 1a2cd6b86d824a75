"""Lists and numbers in messages, and names that are told apart."""

from collections.abc import Callable, Iterable, Sequence

from poseflow.core.errors import PoseflowError


def list_some(names: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first of the names, and how many more there are.

    Example:
        >>> list_some(["a", "b", "c", "d"], 2)
        'a, b and 2 more'
    """
    return separator.join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def count_of(number: int, noun: str) -> str:
    """So many things of a kind, one or several.

    Example:
        >>> count_of(1, "labeled frame"), count_of(2000, "labeled frame")
        ('1 labeled frame', '2,000 labeled frames')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def tell_apart(names: Iterable[str], reserved: Iterable[str] = (), key: Callable[[str], str] = str) -> list[str]:
    """The names, of which a later one that is there already, or is reserved, gets a number.

    Args:
        key: names with the same key are the same, as `str.casefold` for files.

    Example:
        >>> tell_apart(["a", "b", "a"])
        ['a', 'b', 'a_2']
    """
    taken, found = set(map(key, reserved)), []
    for name in names:
        other, number = name, 1
        while key(other) in taken:
            number += 1
            other = f"{name}_{number}"
        taken.add(key(other))
        found.append(other)
    return found


def say_failure(failure: Exception) -> str:
    """Why something failed, in a line: what an error of ours says, and of another its kind too."""
    first = (str(failure).strip().splitlines() or [""])[0]
    return first if isinstance(failure, PoseflowError) else f"{type(failure).__name__}: {first}"
