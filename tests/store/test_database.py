"""Files that are missing, damaged, locked or in use by several processes."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model.errors import StoreError
from reconciler.store import Store
from reconciler.store.database import Database
from tests.store.builders import NOW, PACKAGE, RELEASE

PROJECT = Path(__file__).parents[2]
DIES = """
import os, signal, sys
from reconciler.store import Store
from tests.store.builders import NOW, RELEASE, an_action
with Store(sys.argv[1]).write() as work:
    work.records.put(RELEASE)
    work.journal.begin("d" * 64, "c0ffee", NOW, [an_action()] * 5000)
    os.kill(os.getpid(), signal.SIGKILL)
"""
WRITES = """
import sys
from reconciler.store import Store
from tests.store.builders import NOW
store = Store(sys.argv[1])
for n in range(50):
    with store.write() as work:
        work.computers.enrol(f"{sys.argv[2]}-{n}", "hw", NOW)
"""


def python(source, *arguments):
    return subprocess.Popen([sys.executable, "-c", source, *arguments], cwd=PROJECT)


def test_kill_in_a_transaction_leaves_nothing_of_it(store):
    with store.write() as work:
        work.records.put(PACKAGE)
    assert python(DIES, str(store.path)).wait(30) == -signal.SIGKILL

    with store.read() as view:
        assert view.records.all(type(RELEASE)) == []
        assert view.records.all(type(PACKAGE)) == [PACKAGE]
        assert view.journal.recent(5) == []
    with store.write() as work:
        work.records.put(RELEASE)


def test_two_processes_write_without_losing_anything(store):
    writers = [python(WRITES, str(store.path), name) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]

    with store.read() as view:
        computers, _ = view.computers.changed_since(0)
    assert [one.ordinal for one in computers] == list(range(100))


def test_threads_share_a_store(store):
    def enrol(n):
        with store.write() as work:
            work.computers.enrol(f"c{n}", "hw", NOW)
        with store.read() as view:
            return view.policy_version()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(enrol, range(64)))

    with store.read() as view:
        assert len(view.computers.changed_since(0)[0]) == 64


def test_locked_file_is_an_error_that_says_so(opened, tmp_path):
    path = tmp_path / "site.db"
    opened(path).migrate()
    impatient = opened(path, lock_wait=timedelta(milliseconds=50))
    with (
        opened(path).write(),
        pytest.raises(StoreError, match="is locked by another process"),
        impatient.write(),
    ):
        pass


def test_second_writer_of_a_process_waits_its_turn(opened, tmp_path):
    store = opened(tmp_path / "site.db", lock_wait=timedelta(milliseconds=50))
    store.migrate()
    with store.write(), pytest.raises(StoreError, match="locked"), store.write():
        pass


def test_missing_file_is_not_made_by_reading(opened, tmp_path):
    with (
        pytest.raises(StoreError, match="cannot be opened") as error,
        opened(tmp_path / "no.db").read(),
    ):
        pass

    assert "patchwright site init" in error.value.hint
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_an_error(opened, tmp_path):
    with pytest.raises(StoreError, match="cannot be created: No such file"):
        opened(tmp_path / "no" / "site.db").migrate()


def test_file_without_tables_is_an_error(opened, tmp_path):
    (tmp_path / "site.db").touch()

    with pytest.raises(StoreError, match="no tables yet"):
        opened(tmp_path / "site.db").policy_version()


@pytest.mark.parametrize("use", [Store.migrate, Store.change], ids=["migrate", "read"])
def test_file_that_is_no_database_is_an_error(opened, tmp_path, use):
    path = tmp_path / "site.db"
    path.write_bytes(b"these are not the tables that you are looking for\n" * 99)

    with pytest.raises(StoreError, match="is not a database"):
        use(opened(path))


def test_damaged_file_is_an_error(store):
    with store.write() as work:
        work.journal.begin("d" * 64, "c0ffee", NOW, [])
        for n in range(500):
            work.documents.save(f"d{n}", "x" * 500)
    store.close()
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(store.path.stat().st_size - 4096))

    def read_everything():
        with store.read() as view:
            for n in range(500):
                view.documents.load(f"d{n}")

    with pytest.raises(StoreError, match="is damaged") as error:
        read_everything()
    assert "backup" in error.value.hint


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)]
)
def test_every_commit_reaches_the_disk(store, pragma, value):
    with closing(Database(store.path)) as database, database.writing() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_file_is_for_its_owner_only(store):
    assert store.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://h/d", "://"])
def test_url_that_names_no_file_is_an_error(opened, url):
    with pytest.raises(StoreError, match="URL"):
        opened(url)


def test_url_of_a_file_is_accepted(opened, tmp_path):
    store = opened(f"sqlite:///{tmp_path}/site.db")
    store.migrate()

    assert store.path == tmp_path / "site.db"
