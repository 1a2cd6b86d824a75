"""What each backbone costs and sees, from its graph: nothing is computed, and no weights are made."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from poseflow.config.parts import RANDOM, Backbone
from poseflow.networks.decoder import decode
from poseflow.networks.graph import Graph, count_flop, find_seen, lay_out, measure_receptive_field

OUTPUT_STRIDE = 4


@dataclass(frozen=True)
class BackboneFacts:
    """A backbone with its default settings and the decoder up to stride 4, without a head."""

    name: str
    max_stride: int
    parameters: int
    gflop: float
    """Of one image, two operations for each weight of a convolution or dense layer at each place."""
    receptive_field_px: int
    """Side of what a cell of the encoder's deepest features sees."""
    features: Mapping[int, int]
    """Channels, by stride, of the features that the decoder is given."""
    weights: tuple[str, ...]
    """That training can start from, beside those of a trained model."""


TABLE_HEAD = """\
| backbone | weights, M | GFLOP | receptive field, px | max stride | features: channels by stride | starts from |
|---|---|---|---|---|---|---|"""


def write_row(facts: BackboneFacts) -> str:
    """A line of a Markdown table below `TABLE_HEAD`."""
    features = ", ".join(f"{stride}: {channels}" for stride, channels in facts.features.items())
    numbers = f"{facts.parameters / 1e6:.2f} | {facts.gflop:.2f} | {facts.receptive_field_px} | {facts.max_stride}"
    return f"| `{facts.name}` | {numbers} | {features} | {', '.join(facts.weights)} |"


def survey_backbones(backbones: Iterable[Backbone], side: int, channels: int = 1) -> Iterator[BackboneFacts]:
    """Build one after the other.

    Args:
        side: of the image, px; a multiple of the maximum strides.

    Raises: ValueError where features do not lie where their stride says: a fault of the backbone.
    """
    for backbone in backbones:
        with keras.StatelessScope(initialize_variables=False):
            facts = _survey(backbone, side, channels)
        keras.backend.clear_session(free_memory=False)  # Keras would initialize the weights in the next network
        yield facts


def _survey(backbone: Backbone, side: int, channels: int) -> BackboneFacts:
    image = keras.Input((None, None, channels), name="image")
    encoded = backbone.encode(image)
    finest = min(OUTPUT_STRIDE, backbone.max_stride)
    decoded = decode(encoded, backbone, finest)
    graph = lay_out(keras.Model(image, [*encoded.values(), decoded[finest]]), side)
    for stride, features in encoded.items():
        _check_place(backbone, graph, features, stride, side)
    network = keras.Model(image, decoded[finest])
    return BackboneFacts(
        backbone.name,
        backbone.max_stride,
        network.count_params(),
        count_flop(lay_out(network, side)) / 1e9,
        max(measure_receptive_field(graph, encoded[backbone.max_stride])),
        {stride: graph.shape(encoded[stride])[-1] for stride in sorted(encoded)},
        (RANDOM, *backbone.find_pretrained()),
    )


def _check_place(backbone: Backbone, graph: Graph, features: Any, stride: int, side: int) -> None:
    """Raise ValueError where features are not of their stride's size, or a cell sees what lies beside it."""
    rows = side // stride
    if (got := graph.shape(features)[:2]) != (rows, rows):
        raise ValueError(f"{backbone.name}: features of stride {stride} must be {rows} x {rows}, got {got}")
    cell = rows // 2
    seen = find_seen(graph, features, axis=0, cell=cell)
    offset = (seen.first + seen.last) / 2 - cell * stride
    # What comes up again from coarser cells sees these too, and they lie where it happens.
    if not backbone.decodes and not -stride / 2 <= offset < stride:
        raise ValueError(
            f"{backbone.name}: cells of stride {stride} must lie on their pixels, got {offset:g} px beside them"
        )
