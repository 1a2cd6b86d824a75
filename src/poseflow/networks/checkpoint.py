"""Tensors of PyTorch checkpoints (`torch.save`), read without PyTorch and without running anything they hold.

A checkpoint is a zip file of a pickle, `data.pkl`, and the raw bytes of each tensor beside it; before PyTorch 1.6 it
was a stream of five pickles (a magic number, a version, sizes of numbers, the tensors, the order of their bytes) and
then the bytes. A pickle names functions to be called; here three names have a meaning (an ordered dict, a tensor, the
type of a tensor's numbers). Other names of the libraries that a training uses become empty objects, whatever is done
with them, and a name of anything else is an error.
"""

import math
import pickle
import pickletools
import struct
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import ModelError

LARGEST_PICKLE = 64 * 2**20  # those of today's SLEAP have 0.2 MB
STREAM_MAGIC, STREAM_VERSION = 0x1950A86A20F9469CFC6C, 1001
STREAM_PICKLES = 5
COUNT = struct.Struct("<q")  # of a storage's numbers, before them in a stream
DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",  # the upper half of a float32
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
# What checkpoints hold beside tensors: settings and the state of a training. Their classes are never looked up.
INERT_LIBRARIES = {
    *("argparse", "attr", "attrs", "collections", "copyreg", "copy_reg", "datetime", "enum", "lightning"),
    *("lightning_fabric", "numpy", "omegaconf", "pathlib", "pytorch_lightning", "sleap_io", "sleap_nn", "torch"),
    *("torchmetrics", "typing"),
}
INERT_BUILTINS = {
    *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "long", "object", "set"),
    *("slice", "str", "tuple", "type", "unicode"),
}
DAMAGES = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError),
    *(ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, RuntimeError),
)


class Storage(NamedTuple):
    """The numbers of one or more tensors."""

    kind: str
    key: str
    size: int

    @property
    def bytes(self) -> int:
        """All of its numbers."""
        return self.size * np.dtype(DTYPES[self.kind]).itemsize


@dataclass(frozen=True)
class Stored:
    """A tensor that is still in its file."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_checkpoint(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read the tensors of a checkpoint's `state_dict`, or of a file that is one, by their names.

    Raises: ModelError naming the file for one that is no checkpoint, cut off or damaged, whose tensors reach beyond
        their numbers, or that names what no training writes.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _read_stream(file) if _is_stream(file) else _read_zip(path)
    except OSError as error:
        raise ModelError(f"{path}: must be a PyTorch checkpoint that can be read: {error}") from None
    except DAMAGES as error:
        fault = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ModelError(f"{path}: must be a whole PyTorch checkpoint: {fault}") from None


def _read_zip(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        members = _find_members(archive)
        found, _ = _unpickle(_read_member(archive, members, "data.pkl", LARGEST_PICKLE))

        def read(storage: Storage) -> bytes:
            return _read_member(archive, members, f"data/{storage.key}", storage.bytes)

        return _read_tensors(_find_state(found), read)


def _is_stream(file: BinaryIO) -> bool:
    """Whether a file begins with the magic number, as protocol 2 writes it."""
    begin = file.read(16)
    file.seek(0)
    return begin.startswith(pickle.dumps(STREAM_MAGIC, 2))


def _read_stream(file: BinaryIO) -> dict[str, NDArray[Any]]:
    head = BytesIO(file.read(LARGEST_PICKLE))
    pickles = []
    for _ in range(STREAM_PICKLES):
        begin = head.tell()
        for _ in pickletools.genops(head):
            pass
        pickles.append(head.getvalue()[begin : head.tell()])
    (_, version, sizes, found, keys), storages = _unpickle_all(pickles)
    if version != STREAM_VERSION or not isinstance(sizes, Mapping) or sizes.get("little_endian") is not True:
        raise ValueError(f"it must be of version {STREAM_VERSION} and little-endian, got another")
    if not isinstance(keys, list) or len(set(keys)) < len(keys):
        raise ValueError("it must list each storage once, got others")
    places, place = {}, head.tell()
    for key in keys:
        if not isinstance(key, str) or key not in storages:
            raise ValueError(f"the storages that it lists must be those of tensors, got {key}")
        file.seek(place)
        (count,) = COUNT.unpack(file.read(COUNT.size))
        if count != storages[key].size:
            raise ValueError(f"storage {key} must have {storages[key].size} numbers, got {count}")
        places[key] = place + COUNT.size
        place = places[key] + storages[key].bytes

    def read(storage: Storage) -> bytes:
        file.seek(places[storage.key])
        return file.read(storage.bytes)

    return _read_tensors(_find_state(found), read)


def _find_state(found: Any) -> Mapping[Any, Any]:
    state = found.get("state_dict", found) if isinstance(found, Mapping) else None
    if not isinstance(state, Mapping) or (state is found and not any(isinstance(v, Stored) for v in state.values())):
        raise ValueError("it must hold a state_dict, got none")
    return state


def _read_tensors(state: Mapping[Any, Any], read: Callable[[Storage], bytes]) -> dict[str, NDArray[Any]]:
    return {
        str(name): _read_tensor(read, str(name), tensor) for name, tensor in state.items() if isinstance(tensor, Stored)
    }


def _find_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Files by their names below the one folder in which they lie."""
    members: dict[str, zipfile.ZipInfo] = {}
    roots = set()
    for info in archive.infolist():
        root, _, name = info.filename.partition("/")
        roots.add(root)
        if name in members:
            raise ValueError(f"its files must be distinct, got {info.filename} twice")
        members[name] = info
    if len(roots) != 1 or "data.pkl" not in members:
        raise ValueError("it must be a zip file with one folder and data.pkl in it, got others")
    if "byteorder" in members and _read_member(archive, members, "byteorder", 16).strip() != b"little":
        raise ValueError("its byteorder must be little, got another")
    return members


def _read_member(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], name: str, most: int) -> bytes:
    info = members.get(name)
    if info is None:
        raise ValueError(f"it must hold {name}, got none")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise ValueError(f"{name} must not be compressed, got a compressed one")
    if info.file_size > most:
        raise ValueError(f"{name} must have at most {most} bytes, got {info.file_size}")
    return archive.read(info)


def _unpickle_all(pickles: Sequence[bytes]) -> tuple[list[Any], dict[str, Storage]]:
    """As `_unpickle`, of several that belong together."""
    found: list[Any] = []
    storages: dict[str, Storage] = {}
    for data in pickles:
        value, own = _unpickle(data)
        found.append(value)
        storages |= own
    return found, storages


def _unpickle(data: bytes) -> tuple[Any, dict[str, Storage]]:
    """What the pickle holds, of values, tensors (`Stored`) and empty objects; and the tensors' storages."""
    for code, argument, _ in pickletools.genops(data):
        # A memo that is numbered so would be a table of gigabytes.
        if "PUT" in code.name and int(argument or 0) > len(data):
            raise ValueError(f"its pickle must number what it keeps from 0, got {argument}")
    unpickler = _Unpickler(BytesIO(data))
    return unpickler.load(), unpickler.storages


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BytesIO) -> None:
        super().__init__(file, encoding="latin-1")

        # Of this file alone: a pickle may set attributes of what it names.
        class Inert:
            """Takes anything, and keeps and does nothing."""

            def __init__(self, *_: Any, **__: Any) -> None: ...

            def __setstate__(self, _: Any) -> None: ...

            def __setitem__(self, _: Any, __: Any) -> None: ...

            def append(self, _: Any) -> None: ...

            def extend(self, _: Any) -> None: ...

            def add(self, _: Any) -> None: ...

        def rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Stored:
            if not isinstance(storage, Storage):
                raise ValueError("a tensor must have a storage, got none")
            return Stored(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))

        self.inert, self.rebuild = Inert, rebuild
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self.rebuild
        if module in ("torch", "torch.storage") and name in DTYPES:
            return name
        harmless = module.split(".")[0] in INERT_LIBRARIES
        if module in ("builtins", "__builtin__"):
            harmless = name in INERT_BUILTINS
        if not harmless and (module, name) != ("_operator", "getitem"):
            raise ValueError(f"its pickle must name nothing but tensors and settings, got {module}.{name}")
        return self.inert

    def persistent_load(self, pid: Any) -> Storage:
        tag, kind, key, _, count, *view = pid
        if any(part is not None for part in view):
            raise ValueError("a tensor must have a storage of its own, got a part of another's")
        if tag != "storage" or kind not in DTYPES:
            raise ValueError(f"tensors must have numbers of {', '.join(DTYPES)}, got {kind}")
        storage = Storage(str(kind), str(key), int(count))
        if storage.size < 0 or self.storages.setdefault(storage.key, storage) != storage:
            raise ValueError(f"storage {key} must have one type and size, got {kind} of {count}")
        return storage


def _read_tensor(read: Callable[[Storage], bytes], name: str, tensor: Stored) -> NDArray[Any]:
    storage, dtype = tensor.storage, np.dtype(DTYPES[tensor.storage.kind])
    if len(tensor.shape) != len(tensor.strides) or min((tensor.offset, *tensor.shape, *tensor.strides)) < 0:
        raise ValueError(f"shape and strides of {name} must be whole numbers from 0, got {tensor.shape}")
    count = math.prod(tensor.shape)
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    # Steps of 0 would make any number of one.
    if count > storage.size or (count and last >= storage.size):
        raise ValueError(f"{name} must lie within its {storage.size} numbers, got shape {tensor.shape}")
    data = read(storage)
    if len(data) != storage.bytes:
        raise ValueError(f"data/{storage.key} must have {storage.bytes} bytes, got {len(data)}")
    if not count:
        return np.empty(tensor.shape, dtype)
    steps = [step * dtype.itemsize for step in tensor.strides]
    values = np.ndarray(tensor.shape, dtype, data, tensor.offset * dtype.itemsize, steps)
    if storage.kind == "BFloat16Storage":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.copy()
