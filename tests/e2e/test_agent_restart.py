"""One restart for what was installed together, hooks around it, and what monitoring sees."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.demo.deb import DebPackage
from reconciler.model.messages import StatusId
from reconciler.model.orders import HookOrder, RestartOrder, RunOrder, UserRights
from reconciler.model.policy import Windows
from reconciler.model.run_reasons import Failure, Refusal, RestartWait, WaitReason
from tests.e2e.agents import (
    DONE,
    FAILED,
    REFUSED,
    STARTED,
    SUCCEEDED,
    app,
    offer,
    offer_packages,
    wait_until,
)
from tests.e2e.fake_site import make_offer

pytestmark = pytest.mark.e2e

REQUIRED, FORCED = int(StatusId.RESTART_STARTED_REQUIRED), int(StatusId.RESTART_STARTED_FORCED)
PUT_OFF = int(StatusId.DONE_RESTART_POSTPONED_AUTOMATICALLY)
GO_ON = int(StatusId.RESTART_NEEDED_TO_GO_ON)
MARK = "echo restart > /run/reboot-required; echo app >> /run/reboot-required.pkgs"
HOOKS = HookOrder("drain", "verify", timedelta(seconds=20))
RESTART = RestartOrder(servers="if-required")


def marking(version="1.1"):
    """Give a package that asks for a restart."""
    return app(version, scripts={"postinst": MARK})


class Scripts:
    """What the machine's administrator has configured, and what of it was called."""

    def __init__(self, agent, folder: Path) -> None:
        self.agent = agent
        self.folder = folder
        self.called = folder / "called"
        self.called.touch()
        names = ("drain", "verify", "restart", "notify")
        paths = {name: self.write(name) for name in names}
        hooks = {name: [str(paths[name])] for name in ("drain", "verify")}
        agent.configure(
            hooks=hooks, restartCommand=[str(paths["restart"])], notify=[str(paths["notify"])]
        )
        self.boot("first")

    def write(self, name: str, extra: str = "") -> Path:
        path = self.folder / f"{name}.sh"
        path.write_text(f'#!/bin/sh\necho {name} "$@" >> {self.called}\n{extra}\n')
        path.chmod(0o755)
        return path

    def calls(self) -> list[str]:
        return self.called.read_text().splitlines()

    def boot(self, name: str) -> None:
        """Start the machine anew: what lies in /run is gone."""
        root = self.agent.machine.root
        folder = root / "proc/sys/kernel/random"
        folder.mkdir(parents=True, exist_ok=True)
        for gone in (root / "run").glob("reboot-required*"):
            gone.unlink()
        (root / "run/patchwright/patching").unlink(missing_ok=True)
        (folder / "boot_id").write_text(f"{name}\n")


@pytest.fixture
def scripts(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    return lambda agent: Scripts(agent, folder)


def patching(agent):
    return agent.machine.root / "run/patchwright/patching"


def test_restart_in_the_middle_of_a_run_goes_on_on_the_next_boot(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    (update,) = offer(site, tmp_path / "debs", marking(), order=RunOrder(RESTART, hooks=HOOKS))
    process = agent.start()
    wait_until(lambda: machine.calls() == ["drain", "restart"])
    wait_until(lambda: site.statuses() == [STARTED, (REQUIRED, "")])
    assert site.states() == {update.id: "pendingRestart"}
    assert patching(agent).read_text() == "1\n"
    process.kill()
    process.wait()
    machine.boot("second")
    process = agent.start()
    wait_until(lambda: site.statuses() == [STARTED, (REQUIRED, ""), SUCCEEDED])
    wait_until(lambda: site.states() == {update.id: "installed"})
    process.terminate()

    assert process.wait(10) == 0
    assert machine.calls() == ["drain", "restart", "verify"]
    assert not patching(agent).exists()


def test_agent_that_is_killed_before_the_machine_goes_down_asks_again(
    agent_on, site, tmp_path, scripts
):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    offer(site, tmp_path / "debs", marking(), order=RunOrder(RESTART))
    for times in (1, 2):
        process = agent.start()
        wait_until(lambda times=times: machine.calls() == ["restart"] * times)
        process.kill()
        process.wait()
    machine.boot("second")
    agent.run("once")

    assert site.statuses() == [STARTED, SUCCEEDED, (REQUIRED, "")]


def demanding():
    """Give a package that can only be installed on the second boot, and says so."""
    boot = "read boot < /proc/sys/kernel/random/boot_id"
    script = f'{boot}; if [ "$boot" != second ]; then {MARK}; exit 1; fi'
    return app("1.1", scripts={"preinst": script})


def test_run_that_needs_a_restart_first_goes_on_after_it(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    offer(site, tmp_path / "debs", demanding(), order=RunOrder(RESTART))
    process = agent.start()
    stuck = [STARTED, (FAILED, Failure.RESTART_FIRST), (GO_ON, "")]
    wait_until(lambda: machine.calls() == ["restart"])
    process.kill()
    process.wait()
    machine.boot("second")
    agent.run("once")

    assert site.statuses() == [*stuck, (REQUIRED, ""), STARTED, SUCCEEDED, DONE]
    assert machine.calls() == ["restart"]
    assert agent.machine.installed() == {"app": "1.1"}


def test_restart_that_is_suppressed_keeps_the_run_waiting_until_somebody_restarts(
    agent_on, site, tmp_path, scripts
):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    offer(site, tmp_path / "debs", demanding(), order=RunOrder(RestartOrder(servers="suppress")))
    agent.run("once", code=1)
    agent.run("once")
    agent.run("once")
    put_off = int(StatusId.RESTART_FIRST_POSTPONED_AUTOMATICALLY)
    stuck = [STARTED, (FAILED, Failure.RESTART_FIRST), (GO_ON, "")]
    assert site.statuses() == [*stuck, (put_off, WaitReason.RESTART)]
    assert f"september/1: {WaitReason.RESTART.value}" in agent.run("status").stdout
    machine.boot("second")
    agent.run("once")

    assert site.statuses()[4:] == [STARTED, SUCCEEDED, DONE]
    assert machine.calls() == []


def test_user_puts_the_restart_off_that_a_run_needs_first(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    scripts(agent)
    user = UserRights(available=True, postpone=True)
    order = RunOrder(RestartOrder(servers="if-required", grace=timedelta(hours=1)), user=user)
    deadline = datetime.now(UTC) + timedelta(hours=1)
    offer(site, tmp_path / "debs", demanding(), order=order, mandatory_at=deadline)
    agent.start()
    wait_until(site.states)
    agent.run("install-now", site.policy.offers[0].advertisement)
    required = (int(StatusId.RESTART_REQUIRED), RestartWait.GRACE)
    stuck = [STARTED, (FAILED, Failure.RESTART_FIRST), (GO_ON, ""), required]
    wait_until(lambda: site.statuses() == stuck)
    agent.run("postpone", "restart", "--for", "10m")
    postponed = int(StatusId.RESTART_FIRST_POSTPONED_BY_USER), WaitReason.RESTART_POSTPONED
    wait_until(lambda: site.statuses()[4:] == [postponed])
    agent.run("postpone", "restart", "--until", (deadline - timedelta(minutes=9)).isoformat())

    chosen = int(StatusId.RESTART_FIRST_RESCHEDULED_BY_USER), WaitReason.RESTART_RESCHEDULED
    wait_until(lambda: site.statuses()[5:] == [chosen])
    assert agent.machine.installed() == {"app": "1.0"}


def test_several_rollouts_share_one_restart(agent_on, site, tmp_path, scripts):
    library = DebPackage(name="lib", version="1.0", files={"usr/share/lib": "1.0"})
    agent = agent_on(app("1.0"), library)
    machine = scripts(agent)
    newer = DebPackage(name="lib", version="1.1", files={"usr/share/lib": "1.1"})
    first, second = offer_packages(site, tmp_path / "debs", marking(), newer)
    order = RunOrder(RESTART, hooks=HOOKS)
    site.set_policy(
        offers=(
            make_offer(site.manifest, first, order=order),
            make_offer(
                site.manifest, second, order=order, rollout="other", advertisement="LAB00003"
            ),
        )
    )
    process = agent.start()
    wait_until(lambda: machine.calls() == ["drain", "restart"])
    process.kill()
    process.wait()
    machine.boot("second")
    agent.run("once")

    assert agent.machine.installed() == {"app": "1.1", "lib": "1.1"}
    assert machine.calls() == ["drain", "restart", "verify"]
    assert sorted(site.statuses()) == sorted([STARTED, STARTED, (REQUIRED, ""), *[SUCCEEDED] * 2])


def test_forced_restart_needs_no_reason(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    offer(site, tmp_path / "debs", app("1.1"), order=RunOrder(RestartOrder(servers="force")))
    process = agent.start()
    wait_until(lambda: machine.calls() == ["restart"])
    wait_until(lambda: site.statuses() == [STARTED, SUCCEEDED, (FORCED, "")])
    process.terminate()

    assert process.wait(10) == 0


def test_restart_that_is_not_needed_is_left_out(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    offer(site, tmp_path / "debs", app("1.1"), order=RunOrder(RESTART))
    agent.run("once")

    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert machine.calls() == []


def test_workstation_has_a_rule_of_its_own(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    (agent.machine.root / "etc/patchwright/facts.json").write_text('{"class": "workstation"}')
    order = RunOrder(RestartOrder(servers="force", workstations="suppress"))
    offer(site, tmp_path / "debs", marking(), order=order)
    agent.run("once")

    suppressed = int(StatusId.DONE_RESTART_SUPPRESSED_WORKSTATION)
    assert site.statuses() == [STARTED, SUCCEEDED, (suppressed, "")]
    assert machine.calls() == []


def open_between(*restarts):
    """Open windows for updates now, and others for restarts."""
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    updates = ((now - hour, now + hour),)
    return Windows(always=False, updates=updates, until=now + 5 * hour, restarts=restarts)


def test_restart_waits_for_its_window_with_hooks_of_its_own(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    now = datetime.now(UTC)
    later = (now + timedelta(hours=2), now + timedelta(hours=3))
    site.set_policy(windows=open_between(later))
    offer(site, tmp_path / "debs", marking(), order=RunOrder(RESTART, hooks=HOOKS))
    agent.run("once")
    told = [STARTED, SUCCEEDED, (PUT_OFF, RestartWait.WINDOW)]
    assert site.statuses() == told
    assert machine.calls() == ["drain", "verify"]
    assert not patching(agent).exists()
    site.set_policy(windows=open_between((now - timedelta(hours=1), now + timedelta(hours=1))))
    process = agent.start()
    wait_until(lambda: machine.calls() == ["drain", "verify", "drain", "restart"])
    process.kill()
    process.wait()
    machine.boot("second")
    agent.run("once")

    assert site.statuses() == [*told, (REQUIRED, "")]
    assert machine.calls() == ["drain", "verify", "drain", "restart", "verify"]


def test_hook_that_fails_before_a_late_restart_puts_it_off(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    site.set_policy(windows=open_between())
    offer(site, tmp_path / "debs", marking(), order=RunOrder(RESTART, hooks=HOOKS))
    agent.run("once")
    machine.write("drain", "exit 1")
    now = datetime.now(UTC)
    site.set_policy(windows=open_between((now - timedelta(hours=1), now + timedelta(hours=1))))
    agent.run("once")
    agent.run("once")

    assert machine.calls() == ["drain", "verify", "drain"]
    assert not patching(agent).exists()
    assert site.statuses()[2:] == [
        (PUT_OFF, RestartWait.WINDOW),
        (PUT_OFF, RestartWait.HOOK_BEFORE),
    ]


def test_restart_that_somebody_else_made_is_not_made_again(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    site.set_policy(windows=open_between())
    (update,) = offer(site, tmp_path / "debs", marking(), order=RunOrder(RESTART))
    agent.run("once")
    machine.boot("second")
    site.set_policy(windows=Windows(always=True, updates=(), until=datetime.now(UTC)))
    agent.run("once")

    assert machine.calls() == []
    assert site.states() == {update.id: "installed"}


def test_users_have_time_before_the_restart(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    grace = RestartOrder(servers="if-required", grace=timedelta(seconds=3))
    offer(site, tmp_path / "debs", marking(), order=RunOrder(grace))
    process = agent.start()
    wait_until(lambda: machine.calls()[-1:] == ["restart"])
    process.kill()
    process.wait()

    assert machine.calls() == ["notify this computer restarts in 0:00:03", "restart"]
    required = (int(StatusId.RESTART_REQUIRED), RestartWait.GRACE)
    assert site.statuses()[:3] == [STARTED, SUCCEEDED, required]


def test_machine_that_does_not_obey_is_told_here_and_there(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    machine.write("restart", "echo inhibited >&2; exit 1")
    order = RunOrder(RESTART, hooks=HOOKS)
    (update,) = offer(site, tmp_path / "debs", marking(), order=order)
    path = agent.machine.root / "dev"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        bind_below(log, path)
        agent.run("once")
        line = log.recv(4096).decode()

    assert "inhibited" in line
    assert line.startswith("<27>patchwright-agent[")
    failed = (int(StatusId.RESTART_FAILED), "")
    assert site.statuses() == [STARTED, (REQUIRED, ""), failed, SUCCEEDED]
    assert machine.calls() == ["drain", "restart", "verify"]
    assert site.states() == {update.id: "pendingRestart"}


def bind_below(log, folder):
    """Bind `log` in a folder whose path may be too long for a socket."""
    short = Path(f"/tmp/pw-{log.fileno()}-{folder.stat().st_ino}")  # noqa: S108
    short.symlink_to(folder)
    try:
        log.bind(str(short / "log"))
    finally:
        short.unlink()


def test_failing_hook_before_is_a_failed_run_that_installed_nothing(
    agent_on, site, tmp_path, scripts
):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    machine.write("drain", "echo three sessions left, token=hunter2; exit 4")
    offer(site, tmp_path / "debs", app("1.1"), order=RunOrder(hooks=HOOKS))
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.HOOK_BEFORE)]
    assert "three sessions left" in site.details()
    assert "hunter2" not in site.details()
    assert [one.exit_code for one in site.batches[-1].statuses][-1] == 4
    assert machine.calls() == ["drain"]
    assert agent.machine.installed() == {"app": "1.0"}
    assert not patching(agent).exists()


def test_hook_that_hangs_is_ended_with_all_that_it_started(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    child = tmp_path / "child"
    machine.write("drain", f"trap '' TERM; sleep 60 & echo $! > {child}; wait; sleep 60")
    order = RunOrder(hooks=HookOrder("drain", "verify", timedelta(seconds=1)))
    offer(site, tmp_path / "debs", app("1.1"), order=order)
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.HOOK_BEFORE)]
    assert "longer than 0:00:01" in site.details()
    wait_until(lambda: not Path(f"/proc/{child.read_text().strip()}").exists())


def test_failing_hook_after_is_a_failed_run_though_all_is_installed(
    agent_on, site, tmp_path, scripts
):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    machine.write("verify", "exit 2")
    (update,) = offer(site, tmp_path / "debs", app("1.1"), order=RunOrder(hooks=HOOKS))
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.HOOK_AFTER)]
    assert machine.calls() == ["drain", "verify"]
    assert site.states() == {update.id: "installed"}


def test_hook_after_runs_when_the_install_failed(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    bad = app("1.1", scripts={"postinst": "exit 3"})
    offer(site, tmp_path / "debs", bad, order=RunOrder(hooks=HOOKS))
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.EXIT_CODE)]
    assert machine.calls() == ["drain", "verify"]


def test_hook_that_nobody_configured_refuses_the_run(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"), order=RunOrder(hooks=HOOKS))
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.HOOK_UNKNOWN)]
    assert "drain" in site.details()


def test_kill_in_the_middle_of_a_hook_runs_it_once(agent_on, site, tmp_path, scripts):
    agent = agent_on(app("1.0"))
    machine = scripts(agent)
    machine.write("drain", "sleep 2")
    offer(site, tmp_path / "debs", app("1.1"), order=RunOrder(hooks=HOOKS))
    process = agent.start()
    wait_until(lambda: machine.calls() == ["drain"])
    process.kill()
    process.wait()
    agent.run("once")

    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert machine.calls() == ["drain", "verify"]


def test_monitoring_sees_that_the_machine_is_patched_and_when_it_is_over(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1", scripts={"postinst": "touch /begun; sleep 2"}))
    process = agent.start()
    wait_until((agent.machine.root / "begun").exists)
    assert patching(agent).read_text() == "1\n"
    assert patching(agent).stat().st_mode & 0o777 == 0o644
    process.kill()
    process.wait()
    agent.run("once")

    assert not patching(agent).exists()


@pytest.mark.usefixtures("site")
def test_signal_of_an_agent_that_lost_its_memory_goes_out(agent_on):
    agent = agent_on(app("1.0"))
    patching(agent).parent.mkdir(parents=True)
    patching(agent).write_text("7\n")
    agent.run("once")

    assert not patching(agent).exists()


def test_run_tells_how_long_it_took(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1", scripts={"postinst": "sleep 1"}))
    agent.run("once")

    told = {status.id: status for batch in site.batches for status in batch.statuses}
    assert told[SUCCEEDED[0]].took >= timedelta(seconds=1)
    assert not told[SUCCEEDED[0]].voluntary
