"""The agent on a real rpm root: exactly the captured updates, or a refusal with its reason."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import rmtree

import pytest

from reconciler.model.policy import ProbeOrder
from reconciler.model.run_reasons import Failure, Refusal
from tests.e2e.agents import wait_until
from tests.e2e.fake_site import FakeSite, serve_site
from tests.e2e.rpm_machine import RpmMachine
from tests.e2e.rpm_scene import Scene
from tests.e2e.rpms import AdvisoryText, RpmPackage, make_repository

pytestmark = pytest.mark.e2e

APP_1 = RpmPackage(name="app", version="1.0")
APP_2 = RpmPackage(name="app", version="1.1", files={"opt/app": "new"})
OWN = "repository"
RPM_MAGIC = b"\xed\xab\xee\xdb"
LIB_1 = RpmPackage(name="lib", version="1.0")
HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print(flush=True)
time.sleep(60)
"""
LIB_2 = RpmPackage(name="lib", version="2.0")


@pytest.fixture
def scene(tmp_path):
    site = FakeSite()
    with serve_site(site) as url:
        made = Scene(tmp_path, site, url)
        made.agent.enrol()
        yield made
        made.agent.close()


def test_facts_and_inventory_of_an_rpm_root(scene):
    scene.machine.install(APP_1, RpmPackage(name="lib", version="2.0", epoch=1))
    scene.offer(APP_2)
    scene.pass_once()
    facts = scene.site.batches[0].facts.facts

    assert (facts["os.family"], facts["os.release"]) == ("rhel", "almalinux-9")
    assert (facts["os.version"], facts["arch"]) == ("9.4", os.uname().machine)
    packages = scene.site.batches[0].inventory.packages
    assert {name: packages[name] for name in ("app", "lib")} == {"app": "1.0-1", "lib": "1:2.0-1"}


def test_captured_update_is_installed_and_proved_by_a_scan(scene):
    scene.machine.install(APP_1, LIB_1)
    scene.offer(APP_2, LIB_2, authorized=(APP_2,))
    scene.pass_once()

    assert scene.machine.packages() == {"app": "1.1-1", "lib": "1.0-1"}
    assert scene.site.states() == {"ALSA-app-1.1-1": "installed"}
    assert [id_ for id_, _ in scene.site.statuses()] == [10005, 10008, 11268]


def test_versions_are_judged_in_the_order_of_rpm(scene):
    scene.machine.install(RpmPackage(name="app", version="1.10"), LIB_1)
    older, tilde = RpmPackage(name="app", version="1.9"), RpmPackage(name="lib", version="1.0~rc1")
    scene.offer(older, tilde, RpmPackage(name="absent"))
    scene.pass_once()

    assert scene.site.states() == {"ALSA-app-1.9-1": "installed", "ALSA-lib-1.0~rc1-1": "installed"}


def test_new_dependency_comes_from_the_captured_content(scene):
    scene.machine.install(APP_1)
    app = RpmPackage(name="app", version="1.1", requires=("tool >= 3",))
    scene.offer(app, RpmPackage(name="tool", version="3.1"), authorized=(app,))
    scene.pass_once()

    assert scene.machine.packages() == {"app": "1.1-1", "tool": "3.1-1"}


def test_dependency_stays_a_dependency(scene):
    app = RpmPackage(name="app", version="1.0", requires=("lib",))
    make_repository(scene.machine.repository, app, LIB_1)
    scene.machine.dnf("install", "app")
    assert scene.machine.reason_of("lib") == "dependency"
    scene.offer(LIB_2)
    scene.pass_once()

    assert scene.machine.packages()["lib"] == "2.0-1"
    assert scene.machine.reason_of("lib") == "dependency"


def test_unauthorized_upgrade_is_refused(scene):
    scene.machine.install(APP_1, LIB_1)
    app = RpmPackage(name="app", version="1.1", requires=("lib >= 2",))
    scene.offer(app, LIB_2, authorized=(app,))
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.UNAUTHORIZED_UPGRADE]
    assert "it would change lib from 1.0-1 to 2.0-1" in scene.site.details()
    assert scene.machine.packages() == {"app": "1.0-1", "lib": "1.0-1"}


def test_removal_is_refused(scene):
    scene.machine.install(APP_1, LIB_1)
    scene.offer(RpmPackage(name="app", version="1.1", obsoletes=("lib",)))
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.REMOVAL]
    assert scene.machine.packages() == {"app": "1.0-1", "lib": "1.0-1"}


def test_dependency_conflict_is_refused(scene):
    scene.machine.install(APP_1, LIB_1)
    scene.offer(RpmPackage(name="app", version="1.1", conflicts=("lib",)))
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.DEPENDENCY_CONFLICT]
    assert scene.machine.packages() == {"app": "1.0-1", "lib": "1.0-1"}


def test_files_that_clash_are_found_before_anything_changes(scene):
    scene.machine.install(APP_1, RpmPackage(name="lib", files={"opt/app": "mine"}))
    scene.offer(APP_2)
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.DEPENDENCY_CONFLICT]
    assert scene.machine.packages()["app"] == "1.0-1"


def test_version_lock_is_told_as_held(scene):
    scene.machine.install(APP_1)
    scene.machine.write("etc/dnf/plugins/versionlock.list", "# kept\napp-0:1.0-1.*\n")
    scene.offer(APP_2)
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.HELD]
    assert "versionlock holds app" in scene.site.details()


def test_version_lock_on_the_offered_version_lets_it_in(scene):
    scene.machine.install(APP_1)
    scene.machine.write("etc/dnf/plugins/versionlock.list", "app-0:1.1-1.*\n")
    scene.offer(APP_2)
    scene.pass_once()

    assert scene.machine.packages() == {"app": "1.1-1"}


def test_exclude_is_told_as_excluded(scene):
    scene.machine.install(APP_1)
    scene.machine.write("etc/dnf/dnf.conf", "[main]\nexcludepkgs = other, ap*\n")
    scene.offer(APP_2)
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.EXCLUDED]


def test_update_of_another_module_stream_does_not_apply(scene):
    label = "postgresql:{}:1:c"
    scene.machine.install(RpmPackage(name="pg", version="15.2", module=label.format(15)))
    scene.offer(RpmPackage(name="pg", version="16.1", module=label.format(16)))
    scene.pass_once()
    assert scene.site.states() == {}
    scene.offer(RpmPackage(name="pg", version="15.3", module=label.format(15)))
    scene.pass_once()

    assert scene.site.states() == {"ALSA-pg-15.3-1": "installed"}
    assert scene.machine.packages() == {"pg": "15.3-1"}


def test_disabled_module_is_told(scene):
    label = "postgresql:15:1:c"
    scene.machine.install(RpmPackage(name="pg", version="15.2", module=label))
    scene.machine.write(
        "etc/dnf/modules.d/postgresql.module", "[postgresql]\nstream=\nstate=disabled\n"
    )
    scene.offer(RpmPackage(name="pg", version="15.3", module=label))
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.MODULE_DISABLED]


def test_failing_post_script_is_a_failure_until_it_works(scene):
    scene.machine.install(APP_1)
    script = {"post": "test -e /opt/ready"}
    scene.offer(RpmPackage(name="app", version="1.1", scripts=script))
    scene.pass_once(code=1)
    assert scene.reasons() == [Failure.SCRIPTLET_FAILED]
    assert "%post(app-1.1-1.noarch) scriptlet failed, exit status 1" in scene.site.details()
    # rpm says that it is installed; we say that it is not done.
    assert scene.machine.packages() == {"app": "1.1-1"}
    assert scene.site.states() == {"ALSA-app-1.1-1": "missing"}
    scene.machine.write("opt/ready", "")
    scene.site.set_policy(offers=(replace(scene.site.policy.offers[0], release=2),))
    scene.pass_once()

    assert scene.site.states() == {"ALSA-app-1.1-1": "installed"}


def test_failing_pre_script_leaves_the_old_version(scene):
    scene.machine.install(APP_1)
    scene.offer(RpmPackage(name="app", version="1.1", scripts={"pre": "exit 1"}))
    scene.pass_once(code=1)

    assert scene.reasons() == [Failure.SCRIPTLET_FAILED]
    assert scene.machine.packages() == {"app": "1.0-1"}
    assert scene.site.states() == {"ALSA-app-1.1-1": "missing"}


def test_content_with_another_digest_is_refused(scene):
    scene.machine.install(APP_1)
    scene.offer(APP_2)
    for digest, content in scene.site.content.items():
        if content.startswith(b"\xed\xab\xee\xdb"):
            scene.site.content[digest] = content[:-1] + b"x"
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.CONTENT_INCOMPLETE]
    assert scene.machine.packages() == {"app": "1.0-1"}


def test_package_of_the_core_waits_for_a_restart(scene):
    scene.machine.install(RpmPackage(name="systemd", version="252"))
    scene.offer(RpmPackage(name="systemd", version="253"))
    scene.pass_once()

    assert scene.site.states() == {"ALSA-systemd-253-1": "pendingRestart"}
    assert [id_ for id_, _ in scene.site.statuses()] == [10005, 10008, 11267]


def test_machine_without_a_database_fails_its_scan(scene):
    scene.offer(APP_2)
    for file in (scene.machine.root / "var/lib/rpm").iterdir():
        file.unlink()
    scene.pass_once(code=1)

    assert scene.site.batches[-1].scan.reason == "packagesUnreadable"


def test_custom_facts_are_found_out_inside_the_root(scene):
    scene.machine.write("usr/bin/ts-mode", "#!/bin/sh\necho $(($(cat /etc/count) + 1))\n")
    (scene.machine.root / "usr/bin/ts-mode").chmod(0o755)
    scene.machine.write("etc/count", "41\n")
    day = timedelta(days=1)
    scene.site.set_policy(
        probes=(
            ProbeOrder("ts.count", "integer", day, command=("/usr/bin/ts-mode",)),
            ProbeOrder("ts.bad", "text", day, command=("/usr/bin/absent",)),
            ProbeOrder("ts.file", "text", day, file="/etc/count", match="([0-9])"),
        )
    )
    scene.offer(APP_2)
    scene.pass_once()
    facts = scene.site.batches[-1].facts.facts

    assert {name: facts[name] for name in facts if name.startswith("ts.")} == {
        "ts.count": 42,
        "ts.file": "4",
    }


def test_lock_of_another_program_is_waited_for(scene):
    scene.machine.install(APP_1)
    scene.offer(APP_2)
    lock = scene.machine.root / "var/lib/rpm/.rpm.lock"
    with subprocess.Popen(["python3", "-c", HOLD, str(lock)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            told = scene.pass_once()
            assert "another program works on the packages" in told
            assert scene.machine.packages() == {"app": "1.0-1"}
        finally:
            holder.kill()
    scene.pass_once()

    assert scene.machine.packages() == {"app": "1.1-1"}


@pytest.fixture
def zombie():
    """A process that has ended and was not reaped, as dnf's may be where it was killed."""
    with subprocess.Popen(["/bin/true"]) as ended:
        wait_until(lambda: " Z " in Path(f"/proc/{ended.pid}/stat").read_text())
        yield ended.pid


def write_lock(scene, process, age=0):
    lock = scene.machine.root / "var/lib/dnf/rpmdb_lock.pid"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(str(process))
    os.utime(lock, (time.time() - age, time.time() - age))


def test_lock_of_a_killed_dnf_keeps_nobody_waiting(scene, zombie):
    scene.machine.install(APP_1)
    scene.offer(APP_2)
    write_lock(scene, zombie)
    scene.pass_once()

    assert scene.machine.packages() == {"app": "1.1-1"}


def test_lock_of_before_a_power_cut_keeps_nobody_waiting(scene):
    """Its number belongs to another process by now."""
    scene.machine.install(APP_1)
    scene.offer(APP_2)
    write_lock(scene, os.getpid(), age=1_000_000_000)
    scene.pass_once()

    assert scene.machine.packages() == {"app": "1.1-1"}


def kill_in_the_middle(scene):
    """Kill rpm between the new version and the removal of the old one, which then both stand."""
    scene.machine.install(APP_1)
    waits = {"post": "echo > /opt/waiting; test -e /opt/again || { touch /opt/again; sleep 30; }"}
    scene.machine.write("opt/.keep", "")
    scene.offer(RpmPackage(name="app", version="1.1", scripts=waits))
    agent = scene.agent.start()
    wait_until((scene.machine.root / "opt/waiting").exists)
    agent.kill()
    agent.wait()
    _kill_group_of(scene.machine.root)


def test_killed_rpm_is_repaired_and_told(scene):
    kill_in_the_middle(scene)
    done = scene.agent.run("once")

    assert "rpm was interrupted, older versions are taken out" in done.stderr
    assert scene.machine.packages() == {"app": "1.1-1"}
    assert _count(scene.machine, "app") == 1


def test_killed_rpm_that_cannot_be_repaired_is_told_and_mended_by_the_next_run(scene):
    kill_in_the_middle(scene)
    rmtree(scene.agent.home / "dnf/repository/files")
    scene.agent.run("once", code=1)
    assert scene.reasons() == [Failure.INTERRUPTED]
    assert scene.site.states() == {"ALSA-app-1.1-1": "missing"}
    scene.site.set_policy(offers=(replace(scene.site.policy.offers[0], release=2),))
    scene.pass_once()

    assert scene.site.states() == {"ALSA-app-1.1-1": "installed"}
    assert _count(scene.machine, "app") == 1


def _count(machine: RpmMachine, name: str) -> int:
    return machine.dnf("repoquery", "--installed", name).stdout.count(f"{name}-")


def _kill_group_of(root: Path) -> None:
    """Kill dnf of this root and all that it started, as the kernel does when memory is short."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if f"--installroot={root}".encode() in words:
                os.killpg(os.getpgid(int(entry.name)), signal.SIGKILL)
    time.sleep(0.2)


def test_local_scan_tells_what_dnf_would_upgrade_and_changes_nothing(scene):
    scene.machine.install(APP_1, RpmPackage(name="lib", version="1.0", epoch=1))
    newer = RpmPackage(name="lib", version="2.0", epoch=1)
    advisory = AdvisoryText(id="ALSA-2025:1", packages=(newer,))
    mirror = make_repository(scene.folder / "mirror", APP_2, newer, advisories=(advisory,))
    scene.machine.write(
        "etc/yum.repos.d/lab.repo", f"[lab]\nname=lab\nbaseurl=file://{mirror}\ngpgcheck=0\n"
    )
    found = json.loads(scene.agent.run("scan", "--local", "-o", "json").stdout)

    rows = [
        (one["name"], one["installed"], one["candidate"], one["security"])
        for one in found["packages"]
    ]
    assert rows == [("app", "1.0-1", "1.1-1", False), ("lib", "1:1.0-1", "1:2.0-1", True)]
    assert scene.machine.packages() == {"app": "1.0-1", "lib": "1:1.0-1"}
    assert not (scene.machine.root / "var/cache/dnf").exists()


def test_full_disk_is_told_before_anything_changes(scene):
    scene.machine.install(APP_1)
    scene.offer(RpmPackage(name="app", version="1.1", files={"opt/app": "x" * 4_000_000}))
    full = scene.machine.root / "opt"
    full.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", full], check=True)
    try:
        scene.pass_once(code=1)
    finally:
        subprocess.run(["umount", full], check=True)

    assert scene.reasons() == [Refusal.DISK_FULL]
    assert scene.machine.packages() == {"app": "1.0-1"}


def test_configuration_that_dnf_cannot_read_is_told(scene):
    scene.machine.install(APP_1)
    scene.offer(APP_2)
    scene.machine.write("etc/dnf/dnf.conf", "nonsense\n")
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.DNF_FAILED]


def test_dnf_that_ends_well_and_installs_nothing_is_a_failure(scene):
    scene.machine.install(APP_1)
    scene.offer(APP_2)
    scene.machine.write("etc/dnf/dnf.conf", "[main]\ntsflags=test\n")
    scene.pass_once(code=1)

    assert scene.reasons() == [Failure.NOT_INSTALLED]
    assert scene.machine.packages() == {"app": "1.0-1"}


def offer_from_own(scene, *captured, own):
    """Offer what was captured, where the machine's own repository holds the `own` packages."""
    scene.machine.install(APP_1)
    extra = RpmPackage(name="extra", version="1.0")
    needs = replace(APP_2, requires=("extra",))
    mirror = make_repository(scene.folder / "mirror", *own)
    scene.machine.write(
        "etc/yum.repos.d/lab.repo", f"[lab]\nname=lab\nbaseurl=file://{mirror}\ngpgcheck=0\n"
    )
    scene.offer(*(captured or (needs, extra)), authorized=captured or (needs,), content=OWN)
    rpms = [one for one, content in scene.site.content.items() if content[:4] == RPM_MAGIC]
    for digest in rpms:
        del scene.site.content[digest]


def test_own_repository_serves_what_was_captured(scene):
    """The site gives the index alone: the files are the machine's own."""
    own = (replace(APP_2, requires=("extra",)), RpmPackage(name="extra", version="1.0"))
    offer_from_own(scene, own=own)
    scene.pass_once()

    assert scene.machine.packages() == {"app": "1.1-1", "extra": "1.0-1"}
    assert scene.machine.reason_of("extra") == "dependency"
    assert list(scene.site.states().values()) == ["installed"]


def test_own_repository_with_another_file_is_refused(scene):
    offer_from_own(scene, APP_2, own=(replace(APP_2, files={"opt/app": "other"}),))
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.CONTENT_INCOMPLETE]
    assert "have another app-1.1-1.noarch.rpm than was captured" in scene.site.details()
    assert scene.machine.packages() == {"app": "1.0-1"}


def test_own_repository_without_the_version_is_refused(scene):
    offer_from_own(scene, APP_2, own=(replace(APP_2, version="1.2"),))
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.CONTENT_INCOMPLETE]
    assert scene.machine.packages() == {"app": "1.0-1"}


def test_own_repository_that_does_not_answer_is_told(scene):
    offer_from_own(scene, APP_2, own=(APP_2,))
    rmtree(scene.folder / "mirror")
    scene.pass_once(code=1)

    assert scene.reasons() == [Refusal.CONTENT_INCOMPLETE]
    assert scene.machine.packages() == {"app": "1.0-1"}
