"""Class vectors: which of the animals that are known by name a crop shows."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from poseflow.config.parts import Head, Subject
from poseflow.networks.heads.classes import CLIP, ClassWeights, known_weights, one_hot, weigh_classes
from poseflow.networks.lazy import keras, layers, ops

Tensor = Any
SLOWNESS = 10


class ClassVector(Head):
    """multi_class_top_down: dense layers on the encoder's deepest features, which say whose crop it is."""

    needs: ClassVar[str] = "head.identities"
    names_animals: ClassVar[bool] = True

    layers: int = Field(3, ge=0, description="Dense layers before the last one.")
    units: int = Field(256, ge=1, description="Of each of these layers.")
    weight: float = Field(3e-3, ge=0, description="Of the cross-entropy beside the confidence maps' squared error.")
    class_weights: ClassWeights = None

    def count_channels(self, subject: Subject) -> int:
        """A probability an animal."""
        return len(subject.identities)

    def connect(self, features: Mapping[int, Tensor], name: str, channels: int) -> Tensor:
        """Class probabilities of the animal in the middle; Pereira et al. 2022, Methods, "Appearance-based ID models".

        The paper takes the greatest value of each feature anywhere in the crop; here, what lies towards its border
        counts less, since it may be another animal's.

        The rate that is right for the normalized backbone is ten times too high for these layers: four gerbils were not
        told apart at all. Adam's steps are of one size, however large the weights are, so weights that are ten times as
        large, and whose product is normalized or divided by ten, learn ten times more slowly.
        """

        def large() -> Any:  # a new one for each layer: one alone would draw the same weights every time
            return keras.initializers.VarianceScaling(SLOWNESS**2)

        from poseflow.networks.center_window import CenterWindow  # imports Keras

        deepest = features[max(features)]
        found = CenterWindow(name=f"{name}_window")(deepest)
        found = layers.GlobalMaxPooling2D(name=f"{name}_pool")(found)
        for number in range(self.layers):
            found = layers.Dense(self.units, kernel_initializer=large(), name=f"{name}_dense{number}")(found)
            # Without it all ReLUs died in the second epoch.
            found = layers.LayerNormalization(name=f"{name}_norm{number}")(found)
            found = layers.ReLU(name=f"{name}_relu{number}")(found)
        found = layers.Rescaling(1 / SLOWNESS, name=f"{name}_slow")(found)
        return layers.Dense(channels, activation="softmax", kernel_initializer=large(), dtype="float32", name=name)(
            found
        )

    def draw_targets(self, points: Tensor, classes: Tensor, size: tuple[Any, Any], subject: Subject) -> Tensor:
        """See `draw_class_vectors`."""
        return draw_class_vectors(classes, len(subject.identities))

    def score(self, targets: Tensor, outputs: Tensor, foreground_weight: float) -> Tensor:
        """See `score_class_vectors`."""
        return score_class_vectors(targets, outputs, known_weights(self.class_weights))

    def baseline(self, channels: int) -> float:
        """All are equally likely."""
        return 1 / channels


def draw_class_vectors(classes: Tensor, class_count: int) -> Tensor:
    """One-hot vectors (batch, class_count) float32 of classes (batch, 1), all NaN for an animal without a name."""
    classes = ops.cast(classes, "int32")
    return ops.where(classes < 0, float("nan"), one_hot(classes, class_count)[:, 0])


def score_class_vectors(targets: Tensor, vectors: Tensor, weights: Sequence[float] | None = None) -> Tensor:
    """Cross-entropy of (batch, classes) probabilities, averaged over the animals whose name is known (not NaN).

    Args: `weights` of the classes, by which an animal's entropy is multiplied.
    """
    known = ops.logical_not(ops.isnan(targets))
    wanted = ops.where(known, targets, 0.0)
    if weights is not None:
        wanted = wanted * weigh_classes(wanted, weights)
    entropy = -ops.sum(wanted * ops.log(ops.maximum(vectors, CLIP)), axis=-1)
    return ops.sum(entropy) / ops.maximum(ops.sum(ops.cast(known[:, 0], "float32")), 1.0)
