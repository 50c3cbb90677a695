"""Real agents, apt and dpkg on throwaway machines, at a fake site."""

import fcntl
import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.demo.deb import DebPackage
from reconciler.model.messages import StatusId
from reconciler.model.run_reasons import Failure, Refusal, WaitReason
from tests.e2e.agents import (
    DONE,
    FAILED,
    REFUSED,
    STARTED,
    SUCCEEDED,
    app,
    offer,
    wait_until,
)

pytestmark = pytest.mark.e2e
POSTPONED = int(StatusId.INSTALL_POSTPONED_AUTOMATICALLY)


def test_old_becomes_new_and_is_not_run_again(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    (update,) = offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once")

    assert agent.machine.installed()["app"] == "1.1"
    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert site.states() == {update.id: "installed"}
    assert site.batches[0].full
    assert site.batches[0].facts.facts["os.release"] == "debian-12"
    agent.run("once")
    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert site.batches[-1].inventory.packages == {"app": "1.1"}


def test_installed_already_is_never_run(agent_on, site, tmp_path):
    agent = agent_on(app("1.1"))
    (update,) = offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once")

    assert site.states() == {update.id: "installed"}
    assert site.statuses() == []


def test_observing_site_installs_nothing(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    site.set_policy(enforce=False)
    agent.run("once")

    assert agent.machine.installed()["app"] == "1.0"
    assert site.statuses() == []


def test_failing_postinst_is_a_failed_run(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    script = "echo password=hunter2; echo it breaks >&2; exit 3"
    (update,) = offer(site, tmp_path / "debs", app("1.1", scripts={"postinst": script}))
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.EXIT_CODE)]
    assert site.states() == {update.id: "missing"}
    assert "it breaks" in site.details()
    assert "hunter2" not in site.details()
    agent.run("once")
    assert len(site.statuses()) == 2, "it rests for its recurrence"


def test_half_installed_package_is_repaired_by_the_next_run(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    script = "test -e /allow"
    offer(
        site,
        tmp_path / "debs",
        app("1.1", scripts={"postinst": script}),
        recurrence=timedelta(0),
    )
    agent.run("once", code=1)
    (agent.machine.root / "allow").touch()
    agent.run("once")

    assert site.statuses()[-2:] == [SUCCEEDED, DONE]
    assert agent.machine.installed()["app"] == "1.1"


def test_removal_is_refused(agent_on, site, tmp_path):
    other = DebPackage(name="other", version="1.0")
    agent = agent_on(app("1.0"), other)
    offer(site, tmp_path / "debs", app("1.1", fields={"Conflicts": "other"}))
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.REMOVAL)]
    assert agent.machine.installed() == {"app": "1.0", "other": "1.0"}


def test_unauthorized_upgrade_is_refused(agent_on, site, tmp_path):
    library = DebPackage(name="lib", version="1.0")
    agent = agent_on(app("1.0"), library)
    newer = replace(library, version="2.0")
    offer(
        site, tmp_path / "debs", app("1.1", depends=("lib (>= 2.0)",)), newer, authorized=("app",)
    )
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.UNAUTHORIZED_UPGRADE)]
    assert agent.machine.installed() == {"app": "1.0", "lib": "1.0"}


def test_dependency_that_was_not_captured_is_refused(agent_on, site, lab, tmp_path):
    agent = agent_on(app("1.0"))
    lab.repository.publish("bookworm", [DebPackage(name="extra", version="1.0")])
    agent.machine.apt("update")
    offer(site, tmp_path / "debs", app("1.1", depends=("extra",)))
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.DEPENDENCY_CONFLICT)]


def test_held_package_is_refused(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    agent.machine.run("apt-mark", "hold", "app")
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.HELD)]


def test_new_dependency_is_automatic_and_marks_stay(agent_on, site, tmp_path):
    base = DebPackage(name="base", version="1.0", depends=("app",))
    agent = agent_on(app("1.0"), base)
    agent.machine.run("apt-mark", "auto", "app")
    before = agent.machine.marks()
    extra = DebPackage(name="extra", version="1.0")
    offer(site, tmp_path / "debs", app("1.1", depends=("extra",)), extra, authorized=("app",))
    agent.run("once")

    assert before == {"app"}
    assert agent.machine.marks() == {"app", "extra"}
    assert agent.machine.installed() == {"app": "1.1", "base": "1.0", "extra": "1.0"}


def test_edited_conffile_is_kept_and_told(agent_on, site, tmp_path):
    def with_file(version):
        return DebPackage(
            name="app",
            version=version,
            files={"etc/app.conf": f"from {version}\n"},
            conffiles=("etc/app.conf",),
        )

    agent = agent_on(with_file("1.0"))
    (agent.machine.root / "etc/app.conf").write_text("mine\n")
    offer(site, tmp_path / "debs", with_file("1.1"))
    agent.run("once")

    assert (agent.machine.root / "etc/app.conf").read_text() == "mine\n"
    assert agent.machine.installed()["app"] == "1.1"
    assert "/etc/app.conf" in site.details()


def test_mirror_that_moved_on_changes_nothing(agent_on, site, lab, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    lab.repository.publish("bookworm", [app("1.2")], keep_old=False)
    agent.machine.apt("update")
    agent.run("once")

    assert agent.machine.installed()["app"] == "1.1"


def test_wrong_digest_is_refused(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    deb = max(site.content, key=lambda digest: len(site.content[digest]))
    site.content[deb] = site.content[deb][:-1] + b"!"
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.CONTENT_INCOMPLETE)]
    assert agent.machine.installed()["app"] == "1.0"


def test_broken_download_is_resumed(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    deb = max(site.content, key=lambda digest: len(site.content[digest]))
    site.break_off = {deb: 20}
    agent.run("once", code=1)
    agent.run("once")

    assert site.ranges == ["bytes=20-"]
    assert agent.machine.installed()["app"] == "1.1"


def test_reboot_mark_is_told(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    script = "echo restart > /run/reboot-required; echo app >> /run/reboot-required.pkgs"
    (update,) = offer(site, tmp_path / "debs", app("1.1", scripts={"postinst": script}))
    agent.run("once")

    suppressed = int(StatusId.DONE_RESTART_SUPPRESSED_SERVER)
    assert site.statuses() == [STARTED, SUCCEEDED, (suppressed, "")]
    assert site.states() == {update.id: "pendingRestart"}


def test_kill_while_dpkg_runs(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    script = "touch /begun; sleep 4"
    (update,) = offer(site, tmp_path / "debs", app("1.1", scripts={"postinst": script}))
    process = agent.start()
    wait_until((agent.machine.root / "begun").exists)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert agent.machine.installed() == {}, "dpkg is in the middle of it"
    process = agent.start()
    wait_until(lambda: site.states() == {update.id: "installed"})
    process.terminate()

    assert process.wait(10) == 0
    assert site.statuses() == [STARTED, SUCCEEDED, DONE]


def test_stop_while_dpkg_runs_leaves_it_alone(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1", scripts={"postinst": "touch /begun; sleep 3"}))
    process = agent.start()
    wait_until((agent.machine.root / "begun").exists)
    process.terminate()
    assert process.wait(2) == 0
    agent.run("once")

    assert site.statuses() == [STARTED, SUCCEEDED, DONE]


def test_kill_of_all_that_installs_is_repaired(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(
        site,
        tmp_path / "debs",
        app("1.1", scripts={"postinst": "test -e /again || { touch /again; sleep 30; }"}),
    )
    process = agent.start()
    wait_until((agent.machine.root / "again").exists)
    process.kill()
    process.wait()
    kill_session_of(agent)
    agent.run("once")

    assert site.statuses() == [STARTED, SUCCEEDED, DONE], "dpkg was let end what it began"
    assert agent.machine.installed()["app"] == "1.1"


def test_time_limit_is_told_and_dpkg_ends(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    (update,) = offer(
        site,
        tmp_path / "debs",
        app("1.1", scripts={"postinst": "sleep 3"}),
        max_runtime=timedelta(seconds=1),
    )
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.TIMEOUT)]
    assert site.states() == {update.id: "installed"}


def test_kills_at_any_moment_do_no_harm(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    (update,) = offer(site, tmp_path / "debs", app("1.1", scripts={"postinst": "sleep 0.3"}))
    for lived in range(1, 16):
        process = agent.start()
        time.sleep(lived * 0.08)
        process.kill()
        process.wait()
    agent.run("once")

    assert site.states() == {update.id: "installed"}
    assert agent.machine.installed() == {"app": "1.1"}
    told = [status for status, _ in site.statuses()]
    assert told.count(int(StatusId.PROGRAM_STARTED)) <= 2
    assert told[-2:] == [SUCCEEDED[0], DONE[0]]
    assert not list(agent.home.glob(".*"))


def test_lock_of_another_program_is_waited_for(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    with (agent.machine.root / "var/lib/dpkg/lock-frontend").open("wb") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        process = agent.start()
        wait_until(lambda: site.statuses() == [(POSTPONED, WaitReason.LOCKED)])
        time.sleep(6)
        assert f"process {os.getpid()} (" in site.details()
    wait_until(lambda: site.statuses()[1:] == [STARTED, SUCCEEDED, DONE])
    process.terminate()

    assert process.wait(5) == 0
    assert agent.machine.installed() == {"app": "1.1"}
    log = (agent.machine.root.parent / "agent.log").read_text()
    assert log.count("another program works on the packages") == 1


def test_lock_that_is_never_given_back_is_refused_and_its_holder_named(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    agent.configure(lockPatience=0)
    offer(site, tmp_path / "debs", app("1.1"))
    with (agent.machine.root / "var/lib/dpkg/lock-frontend").open("wb") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        agent.run("once")
        agent.run("once", code=1)

    assert site.statuses() == [(POSTPONED, WaitReason.LOCKED), (REFUSED, Refusal.LOCKED)]
    assert site.details().count(f"process {os.getpid()} (") == 2
    assert agent.machine.installed() == {"app": "1.0"}


def kill_session_of(agent):
    """Kill what lives in the session of the agent's install, as a power cut would."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if str(agent.home).encode() in words and b"reconciler.agent.detached" in words:
                os.killpg(int(process.name), signal.SIGKILL)
