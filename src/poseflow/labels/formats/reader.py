"""What a format of label files is to the rest of the package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.core.registry import Registry
from poseflow.labels.facts import LabelFacts


class OtherFormatError(LabelsError):
    """A file is of another format, maybe seen only while it was read; the message says of which."""


@dataclass(frozen=True)
class LabelReader:
    """A format of label files."""

    files: str
    """Program and file names, for messages: `SLEAP .slp and .pkg.slp`."""
    recognize: Callable[[Path], bool]
    """Whether a file is of this format, by its content and not by its name; reads little.

    The file is there and not empty, and one that is HDF5 can be opened and leads to no other file.
    """
    read: Callable[[Path], sio.Labels]
    """Read a file, without opening any video; a point that is hidden is not visible and has its place.

    Raises LabelsError, which names the file, where it is damaged, and OtherFormatError where only reading shows that it
    is of another format.
    """
    describe: Callable[[Path, bool], LabelFacts] | None = None
    """What a file holds (`describe_labels`) without reading all of it; the flag: predicted instances count too."""
    counts_hidden: bool = False
    """Whether points that it reads as not visible are points for the format's own program, and then for us, unless
    `labels.keep_hidden` says that they are hidden ones; else they are missing."""
    general: bool = False
    """Whether the format is asked last, since it takes files (any JSON) that may be of another format as well."""


READERS = Registry[LabelReader]("readers", "a format of label files")
