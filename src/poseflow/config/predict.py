"""Config section `predict`: from video frames to instances."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from poseflow.config.model import Precision
from poseflow.config.section import Section
from poseflow.core.registry import Registry

_ROOM = "poseflow.inference.runtimes"
RUNTIMES = Registry[Any](
    "runtimes",
    "runtime",
    auto=f"{_ROOM}.auto:load_by_format",
    keras=f"{_ROOM}.keras:load_with_keras",
    onnxruntime=f"{_ROOM}.onnx_runtime:load_with_onnxruntime",
    openvino=f"{_ROOM}.openvino:load_with_openvino",
    tensorrt=f"{_ROOM}.onnx_runtime:load_with_tensorrt",
)
"""What loads trained models and runs them (`poseflow.inference.pipeline.load_pipeline`), by name."""


class FlowConfig(Section):
    """Pyramidal Lucas-Kanade flow that moves each instance's points onto the next frames."""

    window_frames: int = Field(5, ge=0, description="How many frames ahead; 0 turns flow off.")
    scale: float = Field(0.5, gt=0, le=1, description="Images are shrunk to this, which is as exact and twice as fast.")
    patch_px: int = Field(21, ge=3, description="Side of the patch that is followed, in the video's pixels.")
    levels: int = Field(2, ge=0, description="Pyramid levels above the shrunk image.")
    iterations: int = Field(30, ge=1, description="Steps of the search on each level, at most.")


class GroupingConfig(Section):
    """How bottom-up models group peaks into animals."""

    edge_samples: int = Field(
        10, ge=2, description="bottom_up: points at which a field is read along a candidate edge."
    )
    min_edge_score: float = Field(
        0.25, gt=0, le=1, description="bottom_up: two peaks are joined only if the field along their edge says so much."
    )
    max_edge_length: float | None = Field(
        0.25, gt=0, description="bottom_up: longer edges lose score, as a part of the image's longer side; null: none."
    )
    length_penalty: float = Field(1.0, ge=0, description="bottom_up: score lost by an infinitely long edge.")
    min_class_score: float | None = Field(
        None,
        ge=0,
        le=1,
        description="multi_class_bottom_up: a peak that is less likely anyone's is left out; null: 0.1, and 0 for "
        "models of SLEAP, as there.",
    )
    weigh_peaks: bool | None = Field(
        None,
        description="The heights of peaks count in the matching too; false: edges or classes alone; null: true, and "
        "false for models of SLEAP, as there.",
    )

    def resolve(self, weigh_peaks: bool, min_class_score: float) -> "GroupingConfig":
        """The same, with a model's own values where the settings have none."""
        own = {"weigh_peaks": weigh_peaks, "min_class_score": min_class_score}
        return self.model_copy(update={key: value for key, value in own.items() if getattr(self, key) is None})


class PredictConfig(Section):
    """How trained models run over recordings: from video frames to instances."""

    shard_frames: int = Field(
        20_000, ge=1, description="A recording is cut into shards of about this length, which run side by side."
    )
    batch_size: int = Field(8, ge=1, description="Frames per network call.")
    max_instances: int = Field(6, ge=1, description="At most so many animals in a frame.")
    peak_threshold: float = Field(0.2, ge=0, le=1, description="Peaks lower than this are not points.")
    centroid_threshold: float | None = Field(
        None, ge=0, le=1, description="Peaks of a centroid model lower than this are no animals; null: peak_threshold."
    )
    nms_oks: float = Field(
        0.7,
        gt=0,
        le=1,
        description="Non-maximum suppression: of two instances so alike (OKS, COCO's form) the better stays.",
    )
    runtime: Annotated[str, AfterValidator(RUNTIMES.check)] = Field(
        "keras",
        description="What runs the networks: keras, in this process; onnxruntime or openvino, which start sooner and "
        "are faster on some processors; tensorrt, on NVIDIA's GPUs (all three: poseflow[runtimes]); auto: the fastest "
        "with the same points, measured on the validation set when a release is made. Other packages may add others.",
    )
    precision: Precision = Field(
        "auto",
        description="Number format of the networks: float32, mixed_bfloat16 or mixed_float16; auto: what runtime auto "
        "has found to move no points; else bfloat16 for networks that were trained in it, where the processor has it, "
        "and float32 for all others.",
    )
    decoding: Literal["software", "hardware", "auto"] = Field(
        "software",
        description="What decodes video files: software, on the processors; hardware, on an NVIDIA GPU as well (NVDEC: "
        "H.264, HEVC and VP9 of 8 bits in 4:2:0), and in software what that does not take or fails at; auto: hardware "
        "where the networks run on a GPU. Hardware has not been tried on a real GPU yet.",
    )
    grouping: GroupingConfig = GroupingConfig()
    flow: FlowConfig = FlowConfig()
