"""Packages that are installed beside poseflow and add parts to it, as an installer leaves them."""

from collections.abc import Mapping
from pathlib import Path

import pytest


def install_package(
    site: Path, monkeypatch: pytest.MonkeyPatch, name: str, parts: Mapping[str, Mapping[str, str]], source: str = ""
) -> None:
    """Put a package where Python finds it.

    Args:
        site: a folder for it, which need not exist yet.
        parts: `module:object` by name, by group of entry points.
        source: of its module `{name}.py`; without it the module is looked for elsewhere on the search path.
    """
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line
        for group, places in parts.items()
        for line in (f"[{group}]", *(f"{part} = {place}" for part, place in places.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    if source:
        (site / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(site)
