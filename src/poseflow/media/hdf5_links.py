"""HDF5 files from anywhere, read no further than themselves.

HDF5 lets a dataset lie elsewhere: in raw files, in other HDF5 files, behind links. That may be any file that the user
may read, or a pipe; whatever leads out of a file is therefore refused before it is opened.
"""

from collections import deque
from typing import Any

import h5py

from poseflow.core.errors import VideoError

_MOST_LINKS = 16  # that lead to a dataset
_LISTED_NAMES = 10


def find_outside(file: h5py.File) -> str | None:
    """What in a file leads out of it; None where it holds all its data itself."""
    groups, seen = [file], set()
    while groups:
        group = groups.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                return f"a link to {link.filename!r}"
            if not isinstance(link, h5py.HardLink):
                continue
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if isinstance(item, h5py.Dataset) and (outside := _storage_outside(item)):
                return outside
            if isinstance(item, h5py.Group) and address not in seen:
                seen.add(address)
                groups.append(item)
    return None


def find_dataset(file: h5py.File, name: str, depth: int = 0) -> h5py.Dataset:
    """The dataset of that name, whose data lie in this file; raises VideoError."""
    dataset = _follow(file, name)
    if not isinstance(dataset, h5py.Dataset):
        names = sorted(file)
        shown = [f"{name}/" if _is_group(file, name) else name for name in names[:_LISTED_NAMES]]
        listed = ", ".join(shown) + (", ..." if len(names) > _LISTED_NAMES else "")
        raise VideoError(f"file must hold a dataset {name!r}, got {listed or 'nothing'}")
    if outside := _storage_outside(dataset):
        raise VideoError(_elsewhere(name, outside))
    if depth == _MOST_LINKS:
        raise VideoError(_elsewhere(name, "a virtual dataset of virtual datasets"))
    for source in dataset.virtual_sources() if dataset.is_virtual else ():
        find_dataset(file, source.dset_name, depth + 1)
    return dataset


def _is_group(file: h5py.File, name: str) -> bool:
    return isinstance(file.get(name, getlink=True), h5py.HardLink) and isinstance(file[name], h5py.Group)


def _follow(file: h5py.File, name: str) -> Any:
    """What lies at a path of a file, None for nothing, without following any link that leads out of the file."""
    node: Any = file
    parts = deque(name.split("/"))
    links = 0
    while parts:
        part = parts.popleft()
        if part in ("", "."):
            continue
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if isinstance(link, h5py.ExternalLink):
            raise VideoError(_elsewhere(name, f"a link to {link.filename!r}"))
        if isinstance(link, h5py.SoftLink) and links < _MOST_LINKS:
            links += 1
            node = file if link.path.startswith("/") else node
            parts.extendleft(reversed(link.path.split("/")))
        elif isinstance(link, h5py.HardLink):
            node = node[part]
        else:
            return None
    return node


def _elsewhere(name: str, got: str) -> str:
    return f"dataset {name!r} must lie in the file itself, got {got}"


def _storage_outside(dataset: h5py.Dataset) -> str | None:
    if dataset.external:
        return f"the external file {dataset.external[0][0]!r}"
    for source in dataset.virtual_sources() if dataset.is_virtual else ():
        if source.file_name != "." or "%" in source.dset_name:
            return f"a virtual dataset of {source.file_name!r}"
    return None
