"""What encoders have in common that were designed for photographs: color, and numbers in a range of their own."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from poseflow.config.parts import Backbone
from poseflow.networks.lazy import ops

Tensor = Any
Range = Literal["caffe", "rgb", "tf", "signed", "torch", "lite"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, 0 to 1."""
CAFFE_MEAN = (123.68, 116.779, 103.939)
"""Of ImageNet's red, green and blue, 0 to 255, as the first networks on it took them."""


class ColorEncoder(Backbone):
    """An encoder of color images, whose deepest features are enlarged by the decoder, joined with its own.

    A grey image is given to it as three equal channels. The decoder is narrow beside the encoder; the paper's has 256
    filters at each stride.
    """

    sees_pixels: ClassVar[bool] = True
    decoder_convs: ClassVar[int | None] = 2

    filters: int = Field(64, ge=1, description="The decoder's filters at stride 1; see `filter_multiple`.")
    growth: float = Field(1.0, ge=1, description="The decoder's filters grow by this factor per level.")


def prepare_pixels(image: Tensor, numbers: Range) -> Tensor:
    """Bring an image (batch, height, width, 1 or 3), 0 to 255, red first, into the range that a family learned.

    Args: caffe: blue first, minus the mean color; rgb: the same, red first; tf: -1 to 1; torch: by the colors' mean and
        standard deviation; signed: x / 128 - 1; lite: (x - 127) / 128.

    Returns: (batch, height, width, 3) float32.
    """
    image = ops.cast(image, "float32")
    if image.shape[-1] == 1:
        image = ops.concatenate([image] * 3, axis=-1)
    if numbers == "tf":
        return image / 127.5 - 1.0
    if numbers == "signed":
        return image / 128.0 - 1.0
    if numbers == "lite":
        return (image - 127.0) / 128.0
    if numbers == "torch":
        return (image / 255.0 - _row(IMAGENET_MEAN)) / _row(IMAGENET_STD)
    if numbers == "caffe":
        return ops.flip(image, axis=-1) - _row(CAFFE_MEAN[::-1])
    return image - _row(CAFFE_MEAN)


def _row(values: tuple[float, ...]) -> Tensor:
    return ops.convert_to_tensor([[[values]]], dtype="float32")
