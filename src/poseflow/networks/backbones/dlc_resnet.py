"""DeepLabCut's encoder: TF-Slim's ResNet50, whose last stages are dilated in place of made smaller."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from poseflow.networks.backbones.encoder import ColorEncoder, prepare_pixels
from poseflow.networks.blocks import normalize
from poseflow.networks.lazy import layers

Tensor = Any
UNITS = (3, 4, 6, 3)
WIDTHS = (64, 128, 256, 512)
EPSILON = 1e-5  # of TF-Slim's batch normalization of residual networks


class DLCResNet(ColorEncoder):
    """TF-Slim's ResNet50 of an output stride of 16 or 8, and DeepLabCut's decoder: transposed, without skips.

    DeepLabCut's head is one transposed convolution to half that stride. In the paper's comparison it has a kernel of
    4, 256 filters and two convolutions behind it: the decoder's defaults here (its weights with `batch_norm: false`).
    TF-Slim has the stride in a stage's last unit, and no bias before a normalization.
    Source: `resnet_v1_50` and `stack_blocks_dense` of TF-Slim; Pereira et al. 2022, Methods.
    """

    decoder_convs: ClassVar[int | None] = 2
    up_kernel: ClassVar[int] = 4

    name: Literal["dlc_resnet50"] = Field("dlc_resnet50", description="Its architecture.")
    filters: int = Field(256, ge=1, description="The decoder's filters at stride 1; see `filter_multiple`.")
    up: Literal["bilinear", "transposed"] = Field("transposed", description="How the decoder enlarges maps.")
    encoder_stride: Literal[8, 16] = Field(
        16, description="Maximum stride; stages that would go beyond it are dilated: at 16 the last, at 8 the last two."
    )

    @property
    def max_stride(self) -> int:
        """The encoder's."""
        return self.encoder_stride

    def encode(self, image: Tensor) -> dict[int, Tensor]:
        """Connect stem and four stages; only the deepest features go on."""
        pixels = prepare_pixels(image, "rgb")
        features = layers.ZeroPadding2D(3, name="stem_pad")(pixels)
        features = self._convolve(features, "stem_conv", 64, 7, strides=2, padding="valid")
        features = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(features)
        stride, rate = 4, 1
        for stage, (width, units) in enumerate(zip(WIDTHS, UNITS, strict=True)):
            for unit in range(units):
                step = 2 if unit == units - 1 and stage < len(UNITS) - 1 else 1
                if stride == self.encoder_stride:
                    features = self._connect_unit(features, width, 1, rate, f"stage{stage}_unit{unit}")
                    rate *= step
                else:
                    features = self._connect_unit(features, width, step, 1, f"stage{stage}_unit{unit}")
                    stride *= step
        return {self.encoder_stride: features}

    def _connect_unit(self, features: Tensor, width: int, stride: int, rate: int, name: str) -> Tensor:
        if features.shape[-1] != 4 * width:
            shortcut = self._convolve(features, f"{name}_shortcut", 4 * width, 1, relu=False, strides=stride)
        elif stride > 1:
            shortcut = layers.MaxPooling2D(1, stride, name=f"{name}_subsample")(features)
        else:
            shortcut = features
        inner = self._convolve(features, f"{name}_conv0", width, 1)
        if stride > 1:  # windows are centered on the cells that stay
            inner = layers.ZeroPadding2D(1, name=f"{name}_pad")(inner)
            inner = self._convolve(inner, f"{name}_conv1", width, 3, strides=stride, padding="valid")
        else:
            inner = self._convolve(inner, f"{name}_conv1", width, 3, dilation_rate=rate)
        inner = self._convolve(inner, f"{name}_conv2", 4 * width, 1, relu=False)
        return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([shortcut, inner]))

    def _convolve(
        self, features: Tensor, name: str, filters: int, size: int, relu: bool = True, **options: Any
    ) -> Tensor:
        convolution = layers.Conv2D(
            filters,
            size,
            use_bias=not self.batch_norm,
            kernel_initializer="he_normal",
            name=name,
            **{"padding": "same", **options},
        )
        features = normalize(convolution(features), self, name, epsilon=EPSILON)
        return layers.ReLU(name=f"{name}_relu")(features) if relu else features
