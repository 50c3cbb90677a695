"""The fleet as it was at some change, in parts: so that a start need not read every computer.

The parts of one checkpoint come in several transactions, none of which is long. The last one
adds its header and takes older checkpoints away: without a header there is no checkpoint.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, delete, func, insert, select

from reconciler.model.errors import StoreError
from reconciler.observed.checkpoint import FORMAT, Part
from reconciler.store.schema import fleet_checkpoint as table

_HEADER = ""  # no part has this name
_ROWS_AT_ONCE = 64


class CheckpointRepository:
    """The newest whole checkpoint, and one that is being written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def change(self) -> int | None:
        """Give the change that the newest checkpoint stands for; nothing where there is none.

        One that another release wrote in another form is none.
        """
        newest = self._newest()
        return None if newest is None else newest[1]

    def parts(self) -> Iterator[Part]:
        """Give the parts of the newest checkpoint; StoreError where one is damaged or missing."""
        newest = self._newest()
        generation, _, expected = newest or (0, 0, 0)
        query = select(table.c.part, table.c.body, table.c.checksum).where(
            table.c.generation == generation, table.c.part != _HEADER
        )
        found = 0
        for row in self._connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query):
            if zlib.crc32(row.body) != row.checksum:
                raise StoreError(f"the part {row.part!r} of the checkpoint is damaged")
            found += 1
            yield row.part, row.body
        if found != expected:
            raise StoreError(f"the checkpoint has {found} parts in place of {expected}")

    def begin(self) -> int:
        """Give the number of a new checkpoint; what an interrupted one left is taken away."""
        newest = self._newest_generation()
        self._connection.execute(delete(table).where(table.c.generation > newest))
        return newest + 1

    def add(self, generation: int, parts: Iterable[Part]) -> None:
        """Add parts to the new checkpoint."""
        rows = [_row(generation, name, body) for name, body in parts]
        if rows:
            self._connection.execute(insert(table), rows)

    def finish(self, generation: int, change: int) -> None:
        """Make the new checkpoint count, for the fleet as of that change."""
        parts = self._connection.scalar(
            select(func.count()).select_from(table).where(table.c.generation == generation)
        )
        header = {"format": FORMAT, "change": change, "parts": parts}
        self.add(generation, [(_HEADER, json.dumps(header).encode())])
        self._connection.execute(delete(table).where(table.c.generation < generation))

    def _newest_generation(self) -> int:
        query = select(func.max(table.c.generation)).where(table.c.part == _HEADER)
        return self._connection.scalar(query) or 0

    def _newest(self) -> tuple[int, int, int] | None:
        """Give generation, change and number of parts."""
        query = select(table.c.generation, table.c.body).where(
            table.c.part == _HEADER, table.c.generation == self._newest_generation()
        )
        row = self._connection.execute(query).first()
        try:
            header = {} if row is None else json.loads(row.body)
        except ValueError:
            header = {}
        if row is None or header.get("format") != FORMAT:
            return None
        return row.generation, header["change"], header["parts"]


def _row(generation: int, name: str, body: bytes) -> dict[str, object]:
    checksum = zlib.crc32(body)
    return {"generation": generation, "part": name, "body": body, "checksum": checksum}
