"""Label files, how they are read, and whether they are still those that a run was planned with."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseflow.config import LabelsConfig
from poseflow.core.errors import LabelsError
from poseflow.core.skeleton import Skeleton
from poseflow.runs.corrections import CorrectedRecording, hash_corrections
from poseflow.runs.fingerprints import check_labels, describe_sections, hash_labels

if TYPE_CHECKING:
    import sleap_io as sio

    from poseflow.media import VideoIndex

logger = logging.getLogger(__name__)


def read_corrected(recordings: Mapping[str, CorrectedRecording]) -> list[tuple[Path, sio.Labels]]:
    """Labels of each recording's corrected frames, by one of its files.

    A recording whose frames cannot be read is left out, with a warning.
    """
    from poseflow.corrections import find_corrected_frames, read_claims
    from poseflow.corrections.labels import build_labels
    from poseflow.labels import locate_labels

    parts = []
    for recording, own in recordings.items():
        frames = find_corrected_frames(read_claims(own.files, own.paths).claims)
        try:
            parts.append((own.files[0], locate_labels(build_labels(frames, own.videos), own.files[0])))
        except LabelsError as error:
            logger.warning("%s: its corrected frames are left out of the labels: %s", recording, error)
    return parts


@dataclass(frozen=True)
class LabelFiles:
    """Label files that are read together."""

    paths: Sequence[Path] = ()
    config: LabelsConfig = field(default_factory=LabelsConfig)
    planned: str | None = None
    """Fingerprint of what they said when the run was planned; None where no run was."""
    corrected: Mapping[str, CorrectedRecording] = field(default_factory=dict)
    """Recordings of which frames with corrected poses are labels too, by name."""

    @classmethod
    def of_run(
        cls, paths: Sequence[str], step: Mapping[str, Any], folders: Sequence[str], planned: str | None = None
    ) -> LabelFiles:
        """Those of a rule's job.

        Args:
            step: `labels`, as `describe_step` gave it. folders: `labels.video_folders`, which no result depends on.
        """
        config = LabelsConfig.model_validate({**step["settings"]["labels"], "video_folders": folders})
        return cls([Path(path) for path in paths], config, planned)

    def read(self, with_videos: bool = True) -> sio.Labels:
        """All labels; raises LabelsError."""
        from poseflow.labels import read_labels

        return read_labels(self.paths, self.config, with_videos)

    def read_with_corrected(self) -> tuple[sio.Labels, int]:
        """All labels, and behind them frames that were corrected, as they come from the files; and how many these are.

        A frame that is labeled in a label file counts as it is labeled there. Raises LabelsError.
        """
        from poseflow.labels import add_labels

        return add_labels(self.read(), read_corrected(self.corrected))

    def read_skeleton(self) -> Skeleton | None:
        """That of all labels; None without files."""
        from poseflow.labels import skeleton_of

        return skeleton_of(self.read(with_videos=False)) if self.paths else None

    def find_frames(self, index: VideoIndex) -> set[int]:
        """Frames of a video that are labeled."""
        from poseflow.labels import find_labeled_frames

        return find_labeled_frames(self.paths, self.config, index)

    @property
    def key(self) -> str:
        """Fingerprint of what they say now."""
        return hash_labels(describe_sections("labels", labels=self.config), self.paths)

    @property
    def corrected_key(self) -> str | None:
        """Fingerprint of what the corrected frames say now; None without any."""
        return hash_corrections(self.corrected)

    def check(self) -> None:
        """Raise LabelsError where they were saved since the run was planned; to be called once they have been read."""
        if self.paths and self.planned is not None:
            check_labels(self.key, self.planned)
