"""The pure parts of the agent on rpm roots."""

import fcntl
import os

import pytest

from reconciler.agent.dnf.holds import refuse_disabled, refuse_kept
from reconciler.agent.dnf.manager import RPM_JUDGE
from reconciler.agent.dnf.restart import (
    core_packages,
    is_newer_kernel_installed,
    restart_packages,
    running_version,
    waiting_kernels,
)
from reconciler.agent.dnf.rpm import RpmRecord, find_duplicates, newest_records, parse_records
from reconciler.agent.dnf.scriptlets import BrokenPackages, broken_pins, find_failures
from reconciler.agent.dnf.stale_locks import release_stale_locks
from reconciler.agent.dnf.transaction import explain_failure, parse_transaction
from reconciler.agent.errors import CommandError, RunRefusedError
from reconciler.agent.inventory import Installed, group_by_name
from reconciler.model.policy import OfferedUpdate
from reconciler.model.updates import CatalogSlice, SliceUpdate, UpdateState

PIN = ("app", "noarch", "1.1-1")


def a_record(name, version, *, architecture="x86_64", at=0, module=""):
    package = Installed(name, architecture, version, whole=True, held=False, module=module)
    return RpmRecord(package, at)


def test_lines_of_rpm_are_read():
    lines = (
        "app\tx86_64\t(none)\t1.0\t2.el9\t1700000000\t(none)\n"
        "pg\tnoarch\t1\t15.2\t1\t1700000001\tpostgresql:15:8090:abc\n"
        "gpg-pubkey\t(none)\t(none)\tabc\tdef\t1\t(none)\n"
    )
    app, pg = parse_records(lines)

    assert (app.package.version, app.package.module) == ("1.0-2.el9", "")
    assert (pg.package.version, pg.package.module) == ("1:15.2-1", "postgresql:15")
    assert app.nevra == "app-1.0-2.el9.x86_64"
    with pytest.raises(CommandError):
        parse_records("nonsense\n")


def test_package_that_stands_twice_was_left_half_way():
    records = [a_record("app", "1.9-1"), a_record("app", "1.10-1"), a_record("lib", "1-1")]

    assert find_duplicates(records) == ("app",)
    assert {one.package.name: one.package.version for one in newest_records(records)} == {
        "app": "1.10-1",
        "lib": "1-1",
    }


def test_kernels_stand_side_by_side():
    records = [a_record("kernel-core", "5.14.0-1"), a_record("kernel-core", "5.14.0-2")]

    assert find_duplicates(records) == ()


@pytest.mark.parametrize(
    ("running", "waiting"),
    [
        pytest.param("5.14.0-1.x86_64", {"new"}, id="older-runs"),
        pytest.param("5.14.0-2.x86_64", set(), id="newest-runs"),
        pytest.param("6.1.0-cloud-amd64", set(), id="kernel-of-a-host"),
    ],
)
def test_kernel_is_compliant_when_it_runs(running, waiting):
    records = [a_record("kernel-core", "5.14.0-1"), a_record("kernel-core", "5.14.0-2")]
    catalog = CatalogSlice(
        "almalinux-9",
        1,
        (
            SliceUpdate("old", (("kernel-core", "x86_64", "5.14.0-1"),)),
            SliceUpdate("new", (("kernel-core", "x86_64", "5.14.0-2"),)),
        ),
    )
    installed = group_by_name(one.package for one in newest_records(records))
    version = running_version(records, running)

    assert waiting_kernels(catalog, installed, version) == waiting
    assert is_newer_kernel_installed({"kernel-core": "5.14.0-2"}, version) == bool(waiting)


def test_core_package_newer_than_the_boot_waits(tmp_path):
    folder = tmp_path / "etc/dnf/plugins/needs-restarting.d"
    folder.mkdir(parents=True)
    (folder / "own.conf").write_text("# ours\nagent\n")
    core = core_packages(tmp_path)
    records = [a_record("glibc", "2-1", at=200), a_record("systemd", "1-1", at=50)]

    assert restart_packages([*records, a_record("agent", "1-1", at=100)], core, 100) == {
        "glibc",
        "agent",
    }
    assert restart_packages(records, core, None) == frozenset()


def test_stream_of_a_module_decides_what_applies():
    catalog = CatalogSlice(
        "almalinux-9",
        1,
        (
            SliceUpdate("s15", (("pg", "x86_64", "15.3-1"),), ("postgresql:15",)),
            SliceUpdate("s16", (("pg", "x86_64", "16.1-1"),), ("postgresql:16",)),
            SliceUpdate("plain", (("pg", "x86_64", "17-1"),)),
        ),
    )
    there = group_by_name([a_record("pg", "15.2-1", module="postgresql:15").package])

    assert RPM_JUDGE.judge_updates(catalog, there, ()) == {"s15": UpdateState.MISSING}


TABLE = """\
captured content  1.0 MB/s | 1.0 kB     00:00
Dependencies resolved.
================================================================================
 Package          Architecture        Version              Repository      Size
================================================================================
Installing:
 kernel-core      x86_64              5.14.0-2             patchwright     21 M
Upgrading:
 a-package-with-a-name-that-is-too-long-for-its-column
                  noarch              1:1.1-1              patchwright    5.4 k
     replacing  old.noarch 1.0-1
Removing dependent packages:
 gone             noarch              1.0-1                @lab            0

Transaction Summary
================================================================================
"""


def test_table_of_dnf_is_read():
    transaction = parse_transaction(TABLE)

    assert transaction.adds == (
        ("kernel-core", "x86_64", "5.14.0-2"),
        ("a-package-with-a-name-that-is-too-long-for-its-column", "noarch", "1:1.1-1"),
    )
    assert sorted(transaction.removes) == ["gone", "old.noarch"]


def test_older_version_of_itself_is_no_package_that_goes():
    """So dnf shows a reinstall of what a killed rpm left twice."""
    table = (
        "x\nDependencies resolved.\nReinstalling:\n app noarch 1.1-1 patchwright 5.5 k\n"
        "     replacing  app.noarch 1.0-1\n\nTransaction Summary\n"
    )

    transaction = parse_transaction(table)
    assert (transaction.adds, transaction.removes) == ((("app", "noarch", "1.1-1"),), ())


def test_table_of_unknown_form_is_refused():
    with pytest.raises(RunRefusedError) as caught:
        parse_transaction(TABLE.replace("Upgrading:", "Frobnicating:"))

    assert caught.value.reason == "dnfFailed"


@pytest.mark.parametrize(
    ("code", "output", "reason"),
    [
        (200, "", "locked"),
        (1, "Error: \n Problem: problem with installed package", "dependencyConflict"),
        (1, "At least 20MB more space needed on the / filesystem.", "diskFull"),
        (1, "removal of the following protected packages: dnf", "removal"),
        (1, "No match for argument: app", "contentIncomplete"),
        (1, "something else", "dnfFailed"),
    ],
)
def test_refusals_of_dnf_have_reasons(code, output, reason):
    assert explain_failure(code, output).reason == reason


@pytest.mark.parametrize(
    ("lock", "is_held"),
    [
        ("app-0:1.0-1.*", True),
        ("app-0:1.1-1.*", False),
        ("app-1.1-*", False),
        ("!app-0:1.1-1.*", True),
        ("!app-0:1.0-1.*", False),
        ("other-0:1.0-1.*", False),
        ("# app-0:1.0-1.*", False),
    ],
)
def test_version_locks_are_read_as_dnf_reads_them(tmp_path, lock, is_held):
    path = tmp_path / "etc/dnf/plugins/versionlock.list"
    path.parent.mkdir(parents=True)
    path.write_text(lock + "\n")
    if not is_held:
        refuse_kept(tmp_path, [PIN])
        return
    with pytest.raises(RunRefusedError) as caught:
        refuse_kept(tmp_path, [PIN])

    assert caught.value.reason == "held"


def test_module_that_follows_another_stream_is_refused(tmp_path):
    path = tmp_path / "etc/dnf/modules.d/postgresql.module"
    path.parent.mkdir(parents=True)
    path.write_text("[postgresql]\nname=postgresql\nstream=16\nstate=enabled\n")
    update = OfferedUpdate("u", (PIN,), ("postgresql:15",))

    with pytest.raises(RunRefusedError, match="follows the stream 16, not 15"):
        refuse_disabled(tmp_path, [update], [PIN])
    refuse_disabled(tmp_path, [OfferedUpdate("u", (PIN,), ("postgresql:16",))], [PIN])


def test_broken_package_stays_broken_until_it_is_installed_again(tmp_path):
    said = "warning: %post(app-1.1-1.noarch) scriptlet failed, exit status 3\n"
    broken = BrokenPackages(tmp_path / "broken.json")
    broken.take([PIN], broken_pins(said, [PIN]))
    (marked,) = broken.mark([a_record("app", "1.1-1", architecture="noarch")])

    assert find_failures(said) == ("%post(app-1.1-1.noarch) scriptlet failed, exit status 3",)
    assert not marked.package.whole
    assert broken.mark([a_record("app", "1.2-1", architecture="noarch")])[0].package.whole
    broken.take([PIN], ())
    assert broken.load() == frozenset()


def test_lock_of_a_living_process_is_left_alone(tmp_path):
    lock = tmp_path / "rpmdb_lock.pid"
    lock.write_text(str(os.getpid()))

    assert release_stale_locks([lock, tmp_path / "absent"]) == ()
    assert lock.read_text() == str(os.getpid())


@pytest.mark.parametrize("text", ["", "nonsense"])
def test_lock_that_names_nobody_is_left_to_dnf(tmp_path, text):
    lock = tmp_path / "rpmdb_lock.pid"
    lock.write_text(text)

    assert release_stale_locks([lock]) == ()


def test_lock_that_dnf_looks_at_is_left_alone(tmp_path):
    lock = tmp_path / "rpmdb_lock.pid"
    lock.write_text("4194304")
    with lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        assert release_stale_locks([lock]) == ()
    assert release_stale_locks([lock]) == (str(lock),)
