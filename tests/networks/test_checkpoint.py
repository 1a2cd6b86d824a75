"""Checkpoints of PyTorch: their tensors, and nothing that they name is run."""

import zipfile

import numpy as np
import pytest
from torch_files import named, pickled, sized, tensor, text, write_checkpoint, write_stream, write_zip

from poseflow.core.errors import ModelError
from poseflow.networks.checkpoint import read_checkpoint

NUMBERS = np.arange(12, dtype="<f4")


def test_tensors_come_back_by_name(tmp_path):
    arrays = {"a": NUMBERS.reshape(3, 4), "b": NUMBERS[:2], "empty": NUMBERS[:0]}
    found = read_checkpoint(write_checkpoint(tmp_path / "best.ckpt", arrays))
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("FloatStorage", NUMBERS),
        ("HalfStorage", NUMBERS.astype("<f2")),
        ("LongStorage", NUMBERS.astype("<i8")),
        ("BFloat16Storage", (NUMBERS.view("<u4") >> 16).astype("<u2")),
    ],
)
def test_a_tensor_may_be_a_view_of_its_numbers(tmp_path, kind, values):
    code = pickled({"turned": tensor("7", (2, 3), strides=(1, 4), offset=1, count=12, kind=kind)})
    found = read_checkpoint(write_zip(tmp_path / "best.ckpt", code, {"7": values.tobytes()}))
    np.testing.assert_array_equal(found["turned"], NUMBERS.reshape(3, 4).T[1:3])


def test_settings_of_a_training_are_empty_objects(tmp_path):
    made = named("omegaconf.dictconfig", "DictConfig") + b")\x81}(" + text("_content") + b"}ub"
    given = named("typing", "Optional") + b"(" + named("builtins", "dict") + b"tR"
    more = text("hyper_parameters") + made + text("types") + given
    found = read_checkpoint(write_checkpoint(tmp_path / "best.ckpt", {"a": NUMBERS}, more))
    assert list(found) == ["a"]


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"), ("subprocess", "Popen")],
)
def test_a_hostile_pickle_is_refused_and_runs_nothing(tmp_path, module, name):
    trace = tmp_path / "trace"
    call = named(module, name) + b"(" + text(f"touch {trace}") + b"tR"
    path = write_checkpoint(tmp_path / "best.ckpt", {"a": NUMBERS}, text("x") + call)
    with pytest.raises(ModelError, match=rf"best\.ckpt: .*tensors and settings, got {module}\.{name}"):
        read_checkpoint(path)
    assert not trace.exists()


def test_what_a_pickle_does_to_the_names_it_may_use_ends_with_it(tmp_path):
    rebuild = named("torch._utils", "_rebuild_tensor_v2")
    change = rebuild + b"(N}(" + text("__defaults__") + sized(1) + b"u" + b"tb"
    for _ in range(2):
        found = read_checkpoint(write_checkpoint(tmp_path / "best.ckpt", {"a": NUMBERS}, text("x") + change))
        np.testing.assert_array_equal(found["a"], NUMBERS)


DATA = {"0": NUMBERS.tobytes()}


@pytest.mark.parametrize(
    ("code", "data", "fault"),
    [
        (pickled({"a": tensor("0", (13,), count=12)}), DATA, "a must lie within its 12 numbers"),
        (pickled({"a": tensor("0", (4,), offset=9, count=12)}), DATA, "a must lie within its 12 numbers"),
        (pickled({"a": tensor("0", (2**30,), strides=(0,), count=12)}), DATA, "a must lie within its 12 numbers"),
        (pickled({"a": tensor("0", (2,), strides=(-1,), offset=1, count=12)}), DATA, "whole numbers from 0"),
        (pickled({"a": tensor("0", (12,), count=20)}), DATA, "data/0 must have 80 bytes, got 48"),
        (pickled({"a": tensor("1", (12,))}), DATA, "it must hold data/1, got none"),
        (pickled({"a": tensor("0", (12,), kind="QUInt8Storage")}), DATA, "tensors must have numbers of FloatStorage"),
        (b"\x80\x02}.", {}, "it must hold a state_dict, got none"),
        (b"\x80\x02N.", {}, "it must hold a state_dict, got none"),
        (pickled({"a": tensor("0", (12,))})[:-20], DATA, "must be a whole PyTorch checkpoint"),
        (b"\x80\x02Nr\xff\xff\xff\xff.", {}, "must number what it keeps from 0"),
        (b"", {}, "must be a whole PyTorch checkpoint"),
    ],
    ids=["long", "far", "steps", "back", "short", "key", "type", "state", "none", "cut", "memo", "empty"],
)
def test_a_lying_or_damaged_file_is_one_line(tmp_path, code, data, fault):
    with pytest.raises(ModelError, match=rf"best\.ckpt: .*{fault}") as caught:
        read_checkpoint(write_zip(tmp_path / "best.ckpt", code, data))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_checkpoint_is_one_line(tmp_path):
    path = tmp_path / "best.ckpt"
    write_checkpoint(tmp_path / "whole.ckpt", {"a": NUMBERS})
    for content in (b"", b"no zip", (tmp_path / "whole.ckpt").read_bytes()[:-40]):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"best\.ckpt: must be a whole PyTorch checkpoint"):
            read_checkpoint(path)
    with pytest.raises(ModelError, match=r"missing\.ckpt: "):
        read_checkpoint(tmp_path / "missing.ckpt")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("best/data.pkl", b"0" * 1000)
    with pytest.raises(ModelError, match=r"data\.pkl must not be compressed"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", b"0")
    with pytest.raises(ModelError, match=r"one folder and data\.pkl"):
        read_checkpoint(path)
    write_zip(path, pickled({}), {}, byteorder=b"big")
    with pytest.raises(ModelError, match="byteorder must be little"):
        read_checkpoint(path)


ARRAYS = {"a": NUMBERS.reshape(3, 4), "b": NUMBERS[:2], "c": NUMBERS[5:]}


def test_a_file_of_before_pytorch_1_6_is_read_too(tmp_path):
    found = read_checkpoint(write_stream(tmp_path / "old.pth", ARRAYS))
    assert list(found) == list(ARRAYS)
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize(("module", "name"), [("os", "system"), ("builtins", "eval")])
@pytest.mark.parametrize("place", range(5))
def test_a_hostile_stream_is_refused_and_runs_nothing(tmp_path, module, name, place):
    trace = tmp_path / "trace"
    call = named(module, name) + b"(" + text(f"touch {trace}") + b"tR"
    path = write_stream(tmp_path / "old.pth", ARRAYS, text("x") + call if place == 3 else b"")
    if place != 3:
        whole, begin = path.read_bytes(), b"\x80\x02"
        parts = whole.split(begin)
        parts[place + 1] = call + b"0" + parts[place + 1]
        path.write_bytes(begin.join(parts))
    with pytest.raises(ModelError, match=r"old\.pth: must be a whole PyTorch checkpoint"):
        read_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"keys": ["10000", "10001"]}, "storage 10002|KeyError|10002"),
        ({"keys": ["10000", "10001", "10002", "10002"]}, "list each storage once"),
        ({"keys": ["10000", "10001", "7"]}, "must be those of tensors, got 7"),
        ({"data": (13).to_bytes(8, "little") + bytes(100)}, "storage 10000 must have 12 numbers, got 13"),
        ({"data": (12).to_bytes(8, "little") + bytes(20)}, "must be a whole PyTorch checkpoint"),
        ({"sizes": {"little_endian": False}}, "little-endian"),
    ],
    ids=["missing", "twice", "unknown", "count", "cut", "endian"],
)
def test_a_lying_or_damaged_stream_is_one_line(tmp_path, changes, fault):
    with pytest.raises(ModelError, match=rf"old\.pth: .*({fault})") as caught:
        read_checkpoint(write_stream(tmp_path / "old.pth", ARRAYS, **changes))
    assert "\n" not in str(caught.value)
