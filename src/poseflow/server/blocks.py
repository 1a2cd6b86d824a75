"""One container for binary answers: a head of JSON, then arrays.

Bytes 0 to 3 are `PFB1`; 4 to 7 the length L of the header, uint32; then L bytes of JSON, padded with spaces so that
8 + L is a multiple of 8; then the arrays, each at an offset from there that is a multiple of 8. All is little-endian.
The header is `{"head": …, "arrays": {name: {"dtype", "shape", "offset"}}}`.
"""

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

MAGIC = b"PFB1"
ALIGNMENT = 8


def pack_blocks(head: BaseModel, arrays: Mapping[str, NDArray]) -> bytes:
    """Put a head and arrays together; dtypes as NumPy writes them without byte order: f4, i4, u1."""
    places, parts, offset = {}, [], 0
    for name, array in arrays.items():
        content = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        places[name] = {"dtype": array.dtype.str[1:], "shape": list(array.shape), "offset": offset}
        content += bytes(-len(content) % ALIGNMENT)
        parts.append(content)
        offset += len(content)
    header = f'{{"head":{head.model_dump_json()},"arrays":{json.dumps(places)}}}'.encode()
    header += b" " * (-(2 * 4 + len(header)) % ALIGNMENT)
    return b"".join([MAGIC, len(header).to_bytes(4, "little"), header, *parts])
