"""Label files of any format as one of SLEAP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sleap_io as sio

from poseflow.core.errors import SkeletonError
from poseflow.core.files import replacing
from poseflow.labels.clean import check_same_nodes
from poseflow.labels.formats import read_label_file


def convert_label_files(files: Sequence[Path], out: Path) -> int:
    """Write label files as one `.slp`; no video is opened, and nothing is left out. Returns the number of frames.

    Raises: LabelsError for a file that cannot be read, SkeletonError where files differ in their nodes.
    """
    parts = [read_label_file(file) for file in files]
    for file, part in zip(files, parts, strict=True):
        check_same_nodes([*parts[0].skeletons[:1], *part.skeletons], file)
        if part.skeletons and part.skeletons[0].node_names != parts[0].skeletons[0].node_names:
            raise SkeletonError(f"{file} must have its nodes in the order of {files[0]}, got another order")
    whole = sio.Labels(
        labeled_frames=[frame for part in parts for frame in part.labeled_frames],
        videos=[video for part in parts for video in part.videos],
        skeletons=[skeleton for part in parts for skeleton in part.skeletons],
        tracks=[track for part in parts for track in part.tracks],
        suggestions=[suggestion for part in parts for suggestion in part.suggestions],
    )
    with replacing(out) as temporary:
        sio.save_slp(whole, str(temporary), embed=False, verbose=False)
    return len(whole)
