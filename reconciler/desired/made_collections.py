"""Collections that the tables of collection sets make, as if each had a manifest (A1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.desired.state import Cell, DesiredState, Placed
from reconciler.desired.table_checks import WINDOW_COLUMNS, rows_of, table_path
from reconciler.kinds.base import API_VERSION
from reconciler.kinds.collection import Collection
from reconciler.kinds.collection_set import CollectionSet

_Rows = list[Mapping[str, Cell]]


def with_made_collections(state: DesiredState) -> DesiredState:
    """Give a linked state in which table collections stand beside the written ones."""
    made = {
        name: _make(placed, name, rows)
        for placed in state.collection_sets.values()
        for name, rows in _by_collection(state, placed).items()
    }
    return replace(state, collections=dict(sorted({**made, **state.collections}.items())))


def _by_collection(state: DesiredState, placed: Placed[CollectionSet]) -> dict[str, _Rows]:
    table = state.tables.get(table_path(placed))
    found: dict[str, _Rows] = {}
    for row in rows_of(table) if table is not None else ():
        found.setdefault(row["collection"].text, []).append(row)
    return found


def _make(placed: Placed[CollectionSet], name: str, rows: _Rows) -> Placed[Collection]:
    """All rows of a collection have one window, which the checks of tables see to."""
    window = {one: _text(rows[0], one) for one in WINDOW_COLUMNS if _text(rows[0], one)}
    owners = sorted({_text(row, "owner") for row in rows} - {""})
    spec: dict[str, object] = {"computers": [row["computer"].text for row in rows]}
    if owners:
        spec["owners"] = owners
    if window:
        spec["maintenanceWindows"] = [{"name": "table", **window}]
    document = Collection.model_validate(
        {"apiVersion": API_VERSION, "kind": "Collection", "metadata": {"name": name}, "spec": spec},
        by_alias=True,
        by_name=False,
    )
    at = rows[0]["collection"].at
    return Placed(document, at, placed.changed_in, lambda _: at)


def _text(row: Mapping[str, Cell], column: str) -> str:
    return row[column].text if column in row else ""
