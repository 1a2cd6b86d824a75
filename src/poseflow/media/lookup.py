"""Which recording is meant by a path that was written down elsewhere: on another machine, before it was moved."""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath, PureWindowsPath

from poseflow.core.contents import fingerprint_recording
from poseflow.core.errors import AmbiguousVideoError

Fits = Callable[[Path], bool | None]
"""What is known of a candidate's content: True: it shows the same pictures. False: it cannot be it. None: unknown."""


def find_recording(
    recorded: str, candidates: Iterable[Path], others: Iterable[str] = (), fits: Fits | None = None
) -> Path | None:
    """The one of `candidates` that is the recording at `recorded`, a path written on any system; None if none is.

    1. The whole path decides: a file that lies there is meant, or a copy of it, told by its content, and no other.
    2. Else the longest common tail of path parts, at least the name; letters' case counts only between equals. A
       candidate whose folders differ first as members of a series do (day1 and day2, catA and catB) is another
       recording, where that folder is the one that it lies in, or one of the candidate's relative path: what is above
       may have moved from disk1 to disk2.
    3. Else the content, as far as it is known: names alone never decide between two.

    Args:
        others: Paths of the other recordings that were written down in the same place (a label file): a tail must be
            long enough to tell `recorded` from them.
        fits: Asked only for candidates of the name that are not at the whole path.

    Raises: AmbiguousVideoError where several fit equally; it names them all.
    """
    every = list(dict.fromkeys(candidates))
    alike = [path for path in every if count_common_parts(recorded, path)]
    same = [path for path in alike if _is_same_file(recorded, path)]
    if not same and Path(recorded).is_absolute() and is_there(recorded):
        links = [path for path in every if path.is_symlink() and _is_same_file(recorded, path)]
        copies = [path for path in alike if not links and _is_copy(recorded, path)]
        return _only(recorded, links[:1] or _longest(recorded, copies), copies)
    if same:
        return same[0]
    content = {path: None if fits is None else fits(path) for path in alike}
    rivals = [_common(recorded, other) for other in others if not _is_same_text(recorded, other)]
    rivals += [_common(recorded, str(path)) for path in alike if _is_another(recorded, path)]
    needed = min(1 + max(rivals, default=0), len(_parts(recorded)))
    named = [p for p in alike if count_common_parts(recorded, p) >= needed and content[p] is not False]
    shown = [path for path in alike if content[path]]
    return _only(recorded, _longest(recorded, named), shown) if named else _only(recorded, shown, shown)


def is_recording(recorded: str, path: Path, others: Iterable[str] = (), fits: Fits | None = None) -> bool:
    """Whether the recording at `path` is the one at `recorded`; as `find_recording`."""
    return find_recording(recorded, [path], others, fits) is not None


def count_common_parts(recorded: str, path: PurePath) -> int:
    """Parts of the paths that agree, counted from the name; through links, if more do so. 0 where the names differ."""
    if key_of_name(path.name) != key_of_name(base_name(recorded)):
        return 0
    real = os.path.realpath(path)
    return max(_common(recorded, str(path)), _common(recorded, real) if real != str(path) else 0)


def base_name(path: str) -> str:
    """Last part of a path written on any system."""
    return PureWindowsPath(path).name


def key_of_name(name: str) -> str:
    """What names have in common that differ in letters' case or in how an accent is written only."""
    return unicodedata.normalize("NFC", name).casefold()


def is_there(path: str | Path) -> bool:
    """Whether something lies at a path; a folder of somebody else that may not be looked into holds nothing."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises PermissionError


def _only(recorded: str, best: list[Path], shown: list[Path]) -> Path | None:
    files = {os.path.realpath(path): path for path in best}
    if len(files) > 1:
        files = {file: path for file, path in files.items() if path in shown} or files
    if len(files) > 1:
        listed = ", ".join(sorted(map(str, files.values())))
        raise AmbiguousVideoError(f"video {recorded} must be one recording, got several that fit as well: {listed}")
    return next(iter(files.values()), None)


def _longest(recorded: str, paths: list[Path]) -> list[Path]:
    """The paths whose tail agrees longest; of these, if any, those where letters' case agrees longest."""
    ranks = {path: (count_common_parts(recorded, path), _common_exact(recorded, path)) for path in paths}
    return [path for path in paths if ranks[path] == max(ranks.values())]


def _is_same_file(recorded: str, path: Path) -> bool:
    try:
        return path.samefile(recorded)
    except (OSError, ValueError):  # one of them is not there
        return str(path) == recorded


def _is_copy(recorded: str, path: Path) -> bool:
    fingerprint = fingerprint_recording(Path(recorded))
    return fingerprint is not None and fingerprint == fingerprint_recording(path)


def _is_another(recorded: str, path: Path) -> bool:
    """Whether the last folders that differ do so in digits, or in their last letter, only."""
    agree = count_common_parts(recorded, path)
    if agree > 1 and (path.is_absolute() or agree >= len(_parts(str(path)))):
        return False
    here, there = _parts(recorded), _parts(str(path.absolute()))
    if agree >= min(len(here), len(there)):
        return False
    a, b = here[-agree - 1], there[-agree - 1]
    is_numbered = re.sub(r"\d+", "0", a) == re.sub(r"\d+", "0", b)
    return is_numbered or (len(a) == len(b) > 2 and a[:-1] == b[:-1])


def _is_same_text(a: str, b: str) -> bool:
    return _parts(a) == _parts(b)


def _common(a: str, b: str) -> int:
    return count_equal_at_end(_parts(a), _parts(b))


def _common_exact(recorded: str, path: Path) -> int:
    return count_equal_at_end(PureWindowsPath(recorded).parts, PureWindowsPath(path).parts)


def count_equal_at_end(a: Sequence[str], b: Sequence[str]) -> int:
    """How many parts of two paths agree, counted from the last."""
    count = 0
    for here, there in zip(reversed(a), reversed(b), strict=False):
        if here != there:
            break
        count += 1
    return count


def _parts(path: str) -> tuple[str, ...]:
    """Parts of a path of any system, without drive or root; letters' case and ways to write an accent are equal."""
    written = PureWindowsPath(key_of_name(path))
    return tuple(part for part in written.parts if part != written.anchor and part not in ("..", "."))
