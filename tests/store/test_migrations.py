import json
import sqlite3
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from reconciler.model.codec import encode
from reconciler.model.errors import StoreError
from reconciler.model.times import render_instant
from reconciler.store.database import Database
from reconciler.store.migrate import HEAD
from reconciler.store.schema import metadata
from tests.store.builders import ADVERTISEMENT, LATER, MEMBERSHIP, RELEASE
from tests.worlds import an_update


def execute(path, statement):
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(statement)


def test_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", "reconciler.store:migrations")
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrations_make_exactly_the_tables_of_the_schema(store):
    with closing(Database(store.path)) as database, database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_keeps_everything_and_is_quick(opened, store):
    with store.write() as work:
        work.records.put(RELEASE)
    began = time.perf_counter()
    opened(store.path).migrate()

    assert time.perf_counter() - began < 0.2
    with store.read() as view:
        assert view.records.all(type(RELEASE)) == [RELEASE]


def test_migrating_again_needs_no_lock(store, opened):
    with store.write():
        opened(store.path, lock_wait=timedelta(milliseconds=20)).migrate()


def test_stores_that_migrate_at_once_do_not_disturb_each_other(opened, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: opened(tmp_path / "site.db").migrate(), range(4)))

    assert opened(tmp_path / "site.db").change() == 0


def test_database_of_a_newer_release_is_refused(store):
    execute(store.path, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match="schema 9999, which this release does not know") as error:
        store.migrate()
    assert "newer release" in error.value.hint


def test_database_of_something_else_is_refused(opened, tmp_path):
    execute(tmp_path / "site.db", "CREATE TABLE recipe (name TEXT)")

    with pytest.raises(StoreError, match="tables of something else, such as 'recipe'"):
        opened(tmp_path / "site.db").migrate()


def test_migration_that_fails_leaves_no_half(opened, tmp_path):
    """All of it is one transaction, on SQLite too."""
    path = tmp_path / "site.db"
    store = opened(path)
    execute(path, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    execute(path, "CREATE TABLE status_message (id INTEGER)")
    with pytest.raises(StoreError, match="already exists"):
        store.migrate()

    with closing(sqlite3.connect(path)) as raw:
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}
    assert tables == {"alembic_version", "status_message"}


def test_records_of_the_first_schema_are_kept(opened, tmp_path):
    """Every type of record had a table of its own."""
    path = tmp_path / "site.db"
    store = opened(path)
    at_schema(path, "0001")
    late = json.dumps({"5": render_instant(LATER)})
    with closing(sqlite3.connect(path)) as raw, raw:
        body = json.dumps(encode(RELEASE))
        raw.execute("INSERT INTO release VALUES (?, ?, ?)", ("web", 1, body))
        members = MEMBERSHIP.members.serialize()
        row = ("web", 1, "reference", members, late)
        raw.execute("INSERT INTO membership VALUES (?, ?, ?, ?, ?)", row)
        body = encode(ADVERTISEMENT) | {"user": False}
        del body["order"]
        raw.execute("INSERT INTO advertisement VALUES (?, ?)", ("PWR00002", json.dumps(body)))

    store.migrate()

    with store.read() as view:
        memory = view.records.load_memory()
    assert memory.releases == {("web", 1): RELEASE}
    assert memory.memberships == {("web", 1, "reference"): MEMBERSHIP}
    users = [one.order.user.available for one in memory.advertisements.values()]
    assert users == [False]


def test_catalog_of_an_older_release_knows_no_former_revisions(tmp_path, opened):
    update = an_update("app")
    at_schema(tmp_path / "site.db", "0006")
    body = zlib.compress(json.dumps(encode(update)).encode())
    row = (update.id, "security", "app", "[]", 3, 7, 0, False, "digest", "digest", body)
    with closing(sqlite3.connect(tmp_path / "site.db")) as raw, raw:
        raw.execute("INSERT INTO catalog_entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    store = opened(tmp_path / "site.db")
    store.migrate()

    with store.read() as view:
        entry = view.catalog.entries()[update.id]
    assert (entry.revision, entry.since, entry.former, entry.entered(1)) == (3, 7, (), 7)


def at_schema(path, revision):
    """Make the tables as an older release did."""
    config = Config()
    config.set_main_option("script_location", "reconciler.store:migrations")
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
