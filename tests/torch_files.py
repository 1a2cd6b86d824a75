"""Checkpoints as `torch.save` writes them, and folders of models of sleap-nn with random weights, without PyTorch."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import yaml


def text(value):
    """The opcode of a short string."""
    data = value.encode()
    return b"X" + len(data).to_bytes(4, "little") + data


def number(value):
    """The opcode of a whole number below 2 ** 31."""
    return b"J" + int(value).to_bytes(4, "little", signed=True)


def named(module, name):
    """The opcode that looks up a class or function."""
    return f"c{module}\n{name}\n".encode()


def sized(*values):
    """The opcodes of a tuple of numbers."""
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(key, shape, strides=None, offset=0, count=None, kind="FloatStorage"):
    """The opcodes of a tensor whose numbers lie in `data/{key}`."""
    if strides is None:
        strides = [int(np.prod(shape[place + 1 :])) for place in range(len(shape))]
    count = int(np.prod(shape)) if count is None else count
    storage = b"(" + text("storage") + named("torch", kind) + text(key) + text("cpu") + number(count) + b"tQ"
    hooks = named("collections", "OrderedDict") + b")R"
    arguments = b"(" + storage + number(offset) + sized(*shape) + sized(*strides) + b"\x89" + hooks + b"t"
    return named("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


def pickled(tensors, more=b""):
    """`{"state_dict": OrderedDict(tensors), …}`; `more`: opcodes of further keys and values."""
    entries = b"".join(text(name) + code for name, code in tensors.items())
    state = named("collections", "OrderedDict") + b")R(" + entries + b"u"
    return b"\x80\x02}(" + text("state_dict") + state + more + b"u."


def write_zip(path, pickle, data, root="best", byteorder=b"little"):
    """Put a pickle and the numbers of tensors, bytes by key, into a checkpoint."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{root}/data.pkl", pickle)
        archive.writestr(f"{root}/byteorder", byteorder)
        for key, values in data.items():
            archive.writestr(f"{root}/data/{key}", values)
    return path


def write_checkpoint(path, arrays, more=b""):
    """Write float32 arrays as a checkpoint's state_dict."""
    keys = {name: str(place) for place, name in enumerate(arrays)}
    codes = {name: tensor(keys[name], values.shape) for name, values in arrays.items()}
    data = {keys[name]: np.ascontiguousarray(values, "<f4").tobytes() for name, values in arrays.items()}
    return write_zip(path, pickled(codes, more), data)


def write_stream(path, arrays, more=b"", keys=None, data=None, sizes=None):
    """Write float32 arrays as PyTorch did before 1.6: five pickles and the numbers, each storage's count before it.

    Args: what stands in the file in place of what belongs there; `more`: opcodes of further keys and values.
    """
    names = {name: f"1000{place}" for place, name in enumerate(arrays)}
    codes = {}
    for name, values in arrays.items():
        code = tensor(names[name], values.shape)
        codes[name] = code.replace(b"tQ", b"NtQ")  # a storage that is no part of another
    entries = b"".join(text(name) + code for name, code in codes.items())
    state = b"\x80\x02" + named("collections", "OrderedDict") + b")R(" + entries + more + b"u."
    sizes = {"protocol_version": 1001, "little_endian": True} if sizes is None else sizes
    listed = sorted(names.values()) if keys is None else keys
    pickles = (0x1950A86A20F9469CFC6C, 1001, sizes)
    head = b"".join(pickle.dumps(value, 2) for value in pickles) + state + pickle.dumps(listed, 2)
    numbers = b"".join(values.size.to_bytes(8, "little") + values.astype("<f4").tobytes() for values in arrays.values())
    path.write_bytes(head + (numbers if data is None else data))
    return path


NODES, EDGES = ["head", "thorax", "tail"], [["thorax", "head"], ["thorax", "tail"]]
MAPS = {"part_names": NODES, "sigma": 2.5, "output_stride": 2}
HEADS = {
    "single_instance": {"confmaps": MAPS},
    "centroid": {"confmaps": {"anchor_part": "thorax", "sigma": 2.5, "output_stride": 2}},
    "centered_instance": {"confmaps": {**MAPS, "anchor_part": "thorax"}},
    "bottomup": {"confmaps": MAPS, "pafs": {"edges": EDGES, "sigma": 15.0, "output_stride": 4}},
    "multi_class_bottomup": {"confmaps": MAPS, "class_maps": {"classes": ["f", "m"], "sigma": 5.0, "output_stride": 4}},
    "multi_class_topdown": {
        "confmaps": {**MAPS, "anchor_part": "thorax"},
        "class_vectors": {"classes": ["f", "m"], "num_fc_layers": 2, "num_fc_units": 8, "output_stride": 8},
    },
}
OUTPUTS = {  # each head by its place, its name in the checkpoint and its channels
    "single_instance": [("SingleInstanceConfmapsHead", 3)],
    "centroid": [("CentroidConfmapsHead", 1)],
    "centered_instance": [("CenteredInstanceConfmapsHead", 3)],
    "bottomup": [("MultiInstanceConfmapsHead", 3), ("PartAffinityFieldsHead", 4)],
    "multi_class_bottomup": [("MultiInstanceConfmapsHead", 3), ("ClassMapsHead", 2)],
    "multi_class_topdown": [("CenteredInstanceConfmapsHead", 3), ("ClassVectorsHead", 2)],
}
STRIDES = {"PartAffinityFieldsHead": 4, "ClassMapsHead": 4}


def settings(kind, unet=None, **preprocessing):
    """`training_config.yaml` of a network of three levels."""
    backbone = {"in_channels": 1, "filters": 4, "filters_rate": 2.0, "max_stride": 8, "up_interpolate": False}
    return {
        "data_config": {
            "preprocessing": {"scale": 1.0, "crop_size": 32, **preprocessing},
            "skeletons": [
                {
                    "nodes": [{"name": name} for name in NODES],
                    "edges": [{"source": {"name": a}, "destination": {"name": b}} for a, b in EDGES],
                    "symmetries": [],
                }
            ],
        },
        "model_config": {
            "backbone_config": {"unet": {**backbone, "output_stride": 2, **(unet or {})}, "convnext": None},
            "head_configs": {**dict.fromkeys(HEADS), kind: HEADS[kind]},
        },
    }


def name_shapes(kind):
    """Tensors of that network, by name."""
    shapes = {}

    def add(name, *shape):
        shapes[f"model.{name}.weight"], shapes[f"model.{name}.bias"] = shape, (shape[0],)

    inputs = 1
    for level in range(3):
        for place in range(2):
            root = f"backbone.encoders.0.encoder_stack.{level}.blocks.stack0_enc{level}_conv{place}"
            add(root, 4 * 2**level, inputs, 3, 3)
            inputs = 4 * 2**level
    add("backbone.middle_blocks.0.blocks.stack0_enc4_middle_expand_conv0", 32, 16, 3, 3)
    add("backbone.middle_blocks.1.blocks.stack0_enc5_middle_contract_conv0", 32, 32, 3, 3)
    inputs = 32
    for block, stride in enumerate((8, 4)):
        root = f"backbone.decoders.0.decoder_stack.{block}.blocks.stack0_dec{block}_s{stride}_to_s{stride // 2}"
        filters = 16 // 2**block
        shapes[f"model.{root}_trans_conv.weight"] = (inputs, filters, 3, 3)
        shapes[f"model.{root}_trans_conv.bias"] = (filters,)
        add(f"{root}_refine_conv0", filters, 2 * filters, 3, 3)
        add(f"{root}_refine_conv1", filters, filters, 3, 3)
        inputs = filters
    for place, (name, channels) in enumerate(OUTPUTS[kind]):
        if name == "ClassVectorsHead":
            add(f"head_layers.{place}.pre_classification0_fc", 8, 32)
            add(f"head_layers.{place}.pre_classification1_fc", 8, 8)
            add(f"head_layers.{place}.{name}", channels, 8)
        else:
            add(f"head_layers.{place}.{name}.0", channels, 16 if STRIDES.get(name) else 8, 1, 1)
    return shapes


def write_nn_folder(folder, kind, seed=0, **preprocessing):
    """Write a model of that kind; gives its tensors by name."""
    rng = np.random.default_rng(seed)
    shapes = name_shapes(kind)
    arrays = {
        name: rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.1, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    write_checkpoint(Path(folder) / "best.ckpt", arrays)
    (Path(folder) / "training_config.yaml").write_text(yaml.safe_dump(settings(kind, **preprocessing)))
    return arrays
