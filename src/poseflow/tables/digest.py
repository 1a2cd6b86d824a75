"""A hash of a table's rows that does not depend on how they were cut into pieces or stored."""

from hashlib import blake2b

import pyarrow as pa


class RowsDigest:
    """The running hash of rows, fed piece by piece; columns must be of numbers, or fixed-size lists of them."""

    def __init__(self, schema: pa.Schema) -> None:
        self.rows = 0
        self._columns = {name: blake2b(name.encode(), digest_size=16) for name in schema.names}

    def update(self, table: pa.Table) -> None:
        """Add rows that come after those so far."""
        self.rows += table.num_rows
        for name, digest in self._columns.items():
            for chunk in table.column(name).chunks:
                values = chunk.flatten() if pa.types.is_fixed_size_list(chunk.type) else chunk
                digest.update(values.to_numpy(zero_copy_only=False).tobytes())

    def hexdigest(self) -> str:
        """The hash so far."""
        whole = blake2b(digest_size=16)
        for digest in self._columns.values():
            whole.update(digest.digest())
        return whole.hexdigest()
