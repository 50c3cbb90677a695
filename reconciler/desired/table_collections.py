"""Collections made of the rows of tables: the rest of the house knows nothing of tables (A1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType

from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.desired.table_checks import Row, rows_of, table_path, window_of
from reconciler.kinds.base import Metadata
from reconciler.kinds.collection import Collection, CollectionSpec
from reconciler.kinds.collection_set import CollectionSet
from reconciler.model.problems import Location


def with_table_collections(state: DesiredState) -> DesiredState:
    """Add the collections of tables, all of which have to be faultless, to those of manifests."""
    made = {
        collection.name: collection
        for placed in state.collection_sets.values()
        for collection in _collections(state, placed)
    }
    joined = dict(sorted({**state.collections, **made}.items()))
    return replace(state, collections=MappingProxyType(joined))


def _collections(
    state: DesiredState, placed: Placed[CollectionSet]
) -> Iterator[Placed[Collection]]:
    table = state.tables.get(table_path(placed))
    rows: dict[str, list[Row]] = {}
    for row in rows_of(table) if table is not None else ():
        rows.setdefault(row["collection"].text, []).append(row)
    for name, mine in rows.items():
        yield _make(name, mine, placed.changed_in)


def _make(name: str, rows: Sequence[Row], changed_in: str) -> Placed[Collection]:
    """Say rows as a collection that stands where the first of them stands."""
    window = window_of(rows[0])
    owners = [row["owner"].text for row in rows if "owner" in row and row["owner"].text]
    spec = CollectionSpec.model_construct(
        computers=tuple(row["computer"].text for row in rows),
        owners=tuple(dict.fromkeys(owners)),
        maintenance_windows=None if window is None else (window,),
    )
    document = Collection.model_construct(
        api_version="patchwright.dev/v1alpha1",
        kind="Collection",
        metadata=Metadata.model_construct(name=name),
        spec=spec,
    )
    return Placed(document, rows[0]["collection"].at, changed_in, lambda at: _locate(rows, at))


def _locate(rows: Sequence[Row], field: FieldPath) -> Location:
    """Give the place of the field that a computer, the window or the owners come from."""
    first = rows[0]
    match field:
        case ("spec", "computers", int(number), *_):
            return rows[number]["computer"].at
        case ("spec", "maintenanceWindows", *rest) if "recurrence" in first:
            column = str(rest[-1]) if rest else ""
            return first[column if column in first else "recurrence"].at
        case ("spec", "owners", *_) if "owner" in first:
            return first["owner"].at
        case _:
            return first["collection"].at
