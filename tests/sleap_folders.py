"""Tiny folders of models as SLEAP writes them, of every kind."""

import copy
import json

import keras
from keras import layers

HEADS = (
    "single_instance",
    "centroid",
    "centered_instance",
    "multi_instance",
    "multi_class_topdown",
    "multi_class_bottomup",
)
EDGE_TYPE = {"py/reduce": [{"py/type": "sleap.skeleton.EdgeType"}, {"py/tuple": [1]}]}
MIRROR_TYPE = {"py/reduce": [{"py/type": "sleap.skeleton.EdgeType"}, {"py/tuple": [2]}]}


def node(name):
    return {"py/object": "sleap.skeleton.Node", "py/state": {"py/tuple": [name, 1.0]}}


def ref(number):
    return {"py/id": number}


# thorax -> head, left, right and left <-> right: the nodes are objects 1, 2, 4 and 5, the types of edges 3 and 6
SKELETON = {
    "links": [
        {"edge_insert_idx": 1, "source": node("thorax"), "target": node("head"), "type": EDGE_TYPE},
        {"edge_insert_idx": 2, "source": ref(1), "target": node("left"), "type": ref(3)},
        {"edge_insert_idx": 0, "source": ref(1), "target": node("right"), "type": ref(3)},
        {"source": ref(4), "target": ref(5), "type": MIRROR_TYPE},
        {"source": ref(5), "target": ref(4), "type": ref(6)},
    ],
    "nodes": [{"id": ref(2)}, {"id": ref(1)}, {"id": ref(4)}, {"id": ref(5)}],
}


def settings(head="single_instance", values=None, **preprocessing):
    maps = {"part_names": ["head", "thorax", "left", "right"], "sigma": 2.5, "output_stride": 4, **(values or {})}
    return {
        "data": {
            "labels": {"skeletons": [copy.deepcopy(SKELETON)]},
            "preprocessing": {"ensure_rgb": False, "input_scaling": 0.5, "pad_to_stride": 16, **preprocessing},
            "instance_cropping": {"crop_size": 96, "center_on_part": "thorax"},
        },
        "model": {
            "backbone": {"unet": {"max_stride": 16, "filters": 8, "filters_rate": 2.0, "up_interpolate": False}},
            "heads": {**dict.fromkeys(HEADS), head: maps},
        },
    }


MAPS = settings()["model"]["heads"]["single_instance"]
FIELDS = {"edges": [["thorax", "head"], ["thorax", "left"], ["thorax", "right"]], "output_stride": 8, "sigma": 20}
CLASSES = {"classes": ["female", "male"], "output_stride": 4, "sigma": 5}
HEAD_SETTINGS = {
    "single_instance": {},
    "centroid": {},
    "centered_instance": {},
    "multi_instance": {"confmaps": MAPS, "pafs": FIELDS},
    "multi_class_topdown": {"confmaps": MAPS, "class_vectors": CLASSES},
    "multi_class_bottomup": {"confmaps": MAPS, "class_maps": CLASSES},
}
# Of each kind: its outputs by SLEAP's names, with their strides and depths.
OUTPUTS = {
    "single_instance": {"SingleInstanceConfmapsHead": (4, 4)},
    "centroid": {"CentroidConfmapsHead": (4, 1), "OffsetRefinementHead": (4, 2)},
    "centered_instance": {"CenteredInstanceConfmapsHead": (4, 4), "OffsetRefinementHead": (4, 8)},
    "multi_instance": {"MultiInstanceConfmapsHead": (4, 4), "PartAffinityFieldsHead": (8, 6)},
    "multi_class_topdown": {"CenteredInstanceConfmapsHead": (4, 4), "ClassVectorsHead": (None, 2)},
    "multi_class_bottomup": {
        "MultiInstanceConfmapsHead": (4, 4),
        "ClassMapsHead": (4, 2),
        "OffsetRefinementHead": (4, 8),
    },
}


def write_sleap_folder(folder, head, channels=1, **preprocessing):
    """Write a model with random weights, whose maximum stride is 16; gives the network that was saved."""
    keras.utils.set_random_seed(1)
    image = keras.Input((96, 96, channels), name="input")
    features, strides = image, {}
    for level in range(4):
        features = layers.Conv2D(4, 3, padding="same", activation="relu", name=f"enc{level}")(features)
        features = layers.MaxPooling2D(2, padding="same", name=f"pool{level}")(features)
        strides[2 ** (level + 1)] = features
    outputs = []
    for name, (stride, depth) in OUTPUTS[head].items():
        if stride is None:
            pooled = layers.Flatten(name="flatten")(layers.GlobalMaxPooling2D(name="global_pool")(features))
            outputs.append(layers.Dense(depth, activation="softmax", name=name)(pooled))
        else:
            activation = "sigmoid" if name == "ClassMapsHead" else "linear"
            outputs.append(layers.Conv2D(depth, 1, activation=activation, name=f"{name}_0")(strides[stride]))
    network = keras.Model(image, outputs)
    folder.mkdir(parents=True, exist_ok=True)
    network.save(folder / "best_model.h5")
    values = settings(head, HEAD_SETTINGS[head], **preprocessing)
    (folder / "training_config.json").write_text(json.dumps(values))
    return network
