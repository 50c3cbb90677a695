"""Brings the tables to the newest schema, in one transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from reconciler.model.errors import StoreError

HEAD = "0007"
_KNOWN = frozenset({"0001", "0002", "0003", "0004", "0005", "0006", HEAD})


def is_current(connection: Connection, path: Path) -> bool:
    """Tell whether nothing is to be done; StoreError where the schema is not one of ours."""
    found = _schema_version(connection)
    if found is not None and found not in _KNOWN:
        raise StoreError(
            f"the database {path} has schema {found}, which this release does not know",
            hint="a newer release wrote it: install that release",
        )
    return found == HEAD


def upgrade(connection: Connection, path: Path) -> None:
    """Run the migrations that are missing, within the caller's transaction."""
    # Another process may have come first while this one waited for the lock.
    if is_current(connection, path):
        return
    # Costs a quarter of a second, and nearly every start finds nothing to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "reconciler.store:migrations")
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


def _schema_version(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise StoreError(
                f"the database has tables of something else, such as {tables[0]!r}",
                hint="name another file",
            )
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)
