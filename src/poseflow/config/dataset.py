"""Config sections `labels`, `split` and `extract`: from labeled frames to training sets."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field, model_validator

from poseflow.config.section import Section


class LabelsConfig(Section):
    """Which label files there are."""

    paths: tuple[str, ...] = Field(
        ("labels/*.slp",),
        description="Label files, or glob patterns: SLEAP .slp and .pkg.slp, DeepLabCut CollectedData_*.csv or .h5, "
        "COCO .json, YOLO-pose data.yaml, NWB with ndx-pose's PoseTraining, SLEAP's old .json and analysis files, LEAP "
        ".mat, DeepPoseKit and JABS .h5, AlphaTracker and Label Studio .json.",
    )
    video_folders: tuple[str, ...] = Field(
        (),
        description="Where to look, subfolders included, for a labeled video that is not where the label file says.",
    )
    include_predictions: bool = Field(
        False, description="Count predicted instances that nobody corrected as labels too (for proofread predictions)."
    )
    keep_hidden: bool = Field(
        False,
        description="Nodes that are labeled and marked as hidden are points that are known to be hidden, of every "
        "format, for models with head.visibility; false: what each format's own program trains on, SLEAP's and NWB's "
        "are missing, COCO's and YOLO's are points like others.",
    )
    edges: tuple[tuple[str, str], ...] | None = Field(
        None,
        description="Edges of the skeleton as pairs of nodes, in place of those that the files have: bottom-up models "
        "find animals along them; null: the files'.",
        examples=[[["nose", "neck"], ["neck", "tail"]]],
    )
    symmetries: tuple[tuple[str, str], ...] | None = Field(
        None,
        description="Pairs of nodes that change places in a mirror (augmentation.flip), in place of those that the "
        "files have; null: the files'.",
        examples=[[["left_eye", "right_eye"], ["left_ear", "right_ear"]]],
    )
    corrections: bool = Field(
        True,
        description="Train on frames in which a person corrected poses (review.corrections), with all their animals; "
        "they are never tested on.",
    )

    @model_validator(mode="after")
    def _check_pairs(self) -> "LabelsConfig":
        for name, pairs in (("edges", self.edges), ("symmetries", self.symmetries)):
            twice = [pair for pair, times in Counter(pairs or ()).items() if times > 1]
            for a, b in (*twice, *(pair for pair in pairs or () if pair[0] == pair[1])):
                raise ValueError(f"{name} must join two nodes each, and each pair once, got [{a}, {b}]")
        times = Counter(node for pair in self.symmetries or () for node in pair)
        if many := [node for node, count in times.items() if count > 1]:
            raise ValueError(f"symmetries must have each node once, got several pairs with {', '.join(many)}")
        return self

    def find_unknown_nodes(self, nodes: Sequence[str]) -> Iterator[str]:
        """A line for each setting whose pairs join others than the labels' nodes."""
        for name, pairs in (("edges", self.edges), ("symmetries", self.symmetries)):
            if unknown := sorted({node for pair in pairs or () for node in pair} - set(nodes)):
                yield f"labels.{name} must join nodes of the labels ({', '.join(nodes)}), got {', '.join(unknown)}"


class HoldOut(Section):
    """Frames that go to one side whatever the drawing of lots says."""

    video: str = Field(
        description="File name of the labeled video (of an image sequence: its folder's), or a glob pattern; "
        "one with a slash is compared with the end of the path."
    )
    frames: tuple[int, int] | None = Field(None, description="First and last frame, both included; null: all frames.")
    to: Literal["train", "val", "test", "none"] = Field(
        "test", description="The side: train, val or test; none: leave these frames out."
    )

    @model_validator(mode="after")
    def _check_frames(self) -> "HoldOut":
        if self.frames and not 0 <= self.frames[0] <= self.frames[1]:
            raise ValueError(f"frames must be [first, last] with 0 <= first <= last, got {list(self.frames)}")
        return self


class SplitConfig(Section):
    """How labeled frames are divided into training, validation and test set; added labels never move an old frame."""

    by: Literal["frame", "block", "video"] = Field(
        "block", description="What is drawn as one: a frame, a contiguous block of frames, or a whole video."
    )
    block_frames: int = Field(100, ge=1, description="Length of a block, in video frames.")
    val_fraction: float = Field(0.1, ge=0, lt=1, description="Part of the labeled frames that validates each epoch.")
    test_fraction: float = Field(
        0.1, ge=0, lt=1, description="Part that measures the trained models, never trained on."
    )
    seed: int = Field(0, description="Other lots; change it before the first model is trained, not after.")
    hold_out: tuple[HoldOut, ...] = Field(
        (),
        description="Videos or frames whose side is given instead of drawn; the first entry that fits counts.",
        examples=[
            [{"video": "session2*.mp4", "to": "test"}, {"video": "cage1.mp4", "frames": [9000, 9999], "to": "none"}]
        ],
    )

    @model_validator(mode="after")
    def _check_fractions(self) -> "SplitConfig":
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError(
                f"val_fraction + test_fraction must be below 1, got {self.val_fraction + self.test_fraction}"
            )
        return self


class ExtractConfig(Section):
    """Which frames of each recording `snakemake suggestions` proposes for labeling."""

    method: Literal["stride", "random", "diverse", "uncertain", "jump"] = Field(
        "diverse",
        description="diverse: one frame of each cluster of image features. stride: evenly spaced. random: drawn by "
        "lot. uncertain: lowest prediction scores. jump: points that leap between frames.",
    )
    frames_per_video: int = Field(20, ge=1, description="Frames that are proposed of each recording.")
    min_gap_frames: int = Field(
        25, ge=1, description="Least distance between two proposed frames, and to the nearest labeled one."
    )
    candidates: int = Field(
        500, ge=1, description="diverse: frames looked at, evenly spaced (keyframes, where there are enough)."
    )
    seed: int = Field(0, description="Of what is drawn by lot; another seed gives other frames.")

    @model_validator(mode="after")
    def _check_candidates(self) -> "ExtractConfig":
        if self.method == "diverse" and self.candidates < self.frames_per_video:
            raise ValueError(
                f"candidates must be at least frames_per_video ({self.frames_per_video}), got {self.candidates}"
            )
        return self
