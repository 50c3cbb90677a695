"""Many collections from a table of computers and their windows (A1)."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import schema_of
from reconciler.model.codes import Code

_TABLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}\.csv", re.ASCII)


def _check_table(value: object) -> str:
    """Take only the name of a file beside the manifest, which leads nowhere else."""
    if not isinstance(value, str):
        raise fault(Code.WRONG_TYPE, f"expected a file name, found {describe_type(value)}")
    if _TABLE.fullmatch(value) is None:
        hint = "write the name of a .csv file in the manifest's own folder, as windows.csv"
        raise fault(Code.BAD_PATH, f"{value!r:.80} is not the name of a table", hint)
    return value


TableName = Annotated[
    str, BeforeValidator(_check_table), schema_of(_TABLE.pattern, "A .csv file beside this one.")
]


class CollectionSetSpec(Model):
    """Which table says who is in which collection."""

    table: TableName = Field(
        description="CSV file beside the manifest with the columns collection and computer, and"
        " maybe recurrence, start, duration, timezone and owner."
    )


class CollectionSet(Document):
    """Collections made from a table."""

    kind: Literal["CollectionSet"] = Field(description="CollectionSet")
    spec: CollectionSetSpec = Field(description="Where the table is.")
