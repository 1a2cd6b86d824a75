"""Label files, how they are read, and whether they are still those that a run was planned with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseflow.config import LabelsConfig
from poseflow.core.skeleton import Skeleton
from poseflow.runs.fingerprints import check_labels, describe_sections, hash_labels

if TYPE_CHECKING:
    import sleap_io as sio

    from poseflow.media import VideoIndex


@dataclass(frozen=True)
class LabelFiles:
    """Label files that are read together."""

    paths: Sequence[Path] = ()
    config: LabelsConfig = field(default_factory=LabelsConfig)
    planned: str | None = None
    """Fingerprint of what they said when the run was planned; None where no run was."""

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

    def check(self) -> None:
        """Raise LabelsError where they were saved since the run was planned; to be called once they have been read."""
        if self.paths and self.planned is not None:
            check_labels(self.key, self.planned)
