"""Why machines are not patched, as their agents find it out and as the site explains it (H5)."""

import fcntl
import json
import subprocess
from contextlib import ExitStack

import pytest

from reconciler.demo.deb import DebPackage
from reconciler.model.messages import StatusId
from reconciler.model.reasons import Reason
from reconciler.model.run_reasons import Failure, Refusal, WaitReason
from tests.e2e.agents import PROJECT
from tests.e2e.site import BREAKS, NEW, SiteWorld, update_of, writing
from tests.e2e.small_site import processes_about

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = update_of("app")
MARK = "echo restart > /run/reboot-required; echo app >> /run/reboot-required.pkgs"
MARKS, DEMANDS = "etc/asks-after", "etc/asks-before"
NO_HALT = "      halt: {failures: 50%}\n"


def breaking_app():
    """Give a package that fails, or asks for a restart, where a file of the machine says so."""
    preinst = f"if [ -e /{DEMANDS} ]; then {MARK}; exit 1; fi"
    postinst = f"if [ -e /{BREAKS} ]; then echo no room in the cache; exit 7; fi\n"
    postinst += f"if [ -e /{MARKS} ]; then {MARK}; fi"
    return DebPackage(
        name="app",
        version=NEW,
        files={"usr/share/app/v": NEW},
        scripts={"preinst": preinst, "postinst": postinst},
    )


def a_day_ahead():
    """Give what runs a program a day ahead; under `faketime` itself no signal reaches it."""
    found = subprocess.run(
        ["faketime", "-f", "+1d", "env"], check=True, capture_output=True, text=True
    )
    lines = found.stdout.splitlines()
    return ("env", *(one for one in lines if one.startswith(("LD_PRELOAD=", "FAKETIME="))))


class Troubled(SiteWorld):
    """Machines each of which has another trouble; the one with a wrong clock lives a day ahead."""

    def __init__(self, folder, lab):
        super().__init__(folder, lab)
        self.held_open = ExitStack()

    def agent_program(self, machine):
        shift = a_day_ahead() if machine.root.name == "reference-clock" else ()
        return [*shift, *super().agent_program(machine)]

    def touch(self, name, path):
        (self.machines[name].root / path).touch()

    def boot(self, name, boot):
        """Start the machine anew, as far as its agent can see."""
        place = self.machines[name].root / "proc/sys/kernel/random"
        place.mkdir(parents=True, exist_ok=True)
        (place / "boot_id").write_text(f"{boot}\n")

    def restart(self, name):
        """Start it anew, with what the package asked for done: what is in /run is gone."""
        root = self.machines[name].root
        for path in (DEMANDS, "run/reboot-required", "run/reboot-required.pkgs"):
            (root / path).unlink()
        self.boot(name, "second")

    def configure(self, name, **settings):
        place = self.machines[name].root / "etc/patchwright"
        place.mkdir(parents=True, exist_ok=True)
        (place / "agent.json").write_text(json.dumps(settings))

    def lock(self, name):
        """Hold the lock of the machine's packages, as an administrator's apt does."""
        path = self.machines[name].root / "var/lib/dpkg/lock-frontend"
        fcntl.lockf(self.held_open.enter_context(path.open("wb")), fcntl.LOCK_EX)

    def run_agent(self, name, *words):
        """Run a command of the machine's agent, and give its exit code."""
        machine = self.machines[name]
        command = [*self.agent_program(machine), *words, "--root", str(machine.root)]
        return subprocess.run(command, check=False, capture_output=True, cwd=PROJECT).returncode

    def explain(self, name):
        """Give the reason for one machine, and the evidence for it."""
        words = ("explain", name, APP, "--site", str(self.site), "--output", "json")
        (found,) = json.loads(self.patchwright(*words))["updates"]
        return found["reason"], found["chain"][-1]["evidence"]

    def told(self, name, kind):
        return self.knows(name) and [one.reason for one in self.messages(name, kind)]

    def close(self):
        self.held_open.close()
        super().close()


TROUBLES = ("held", "full", "broken", "after", "before", "locked", "clock", "user", "denied")


@pytest.fixture
def troubled(tmp_path, lab):
    """A site whose first phase is open; machines are set up and their agents are not started."""
    made = Troubled(tmp_path / "world", lab)
    made.make_site()
    rollout = made.repository / "rollout.yaml"
    text = rollout.read_text().replace(NO_HALT, "").replace("deadline: 0s", "deadline: 1h")
    made.commit("Never halt", {"rollout.yaml": writing(text)})
    made.add_machines(*(f"reference-{name}" for name in TROUBLES))
    made.publish(breaking_app())
    made.start_server()
    yield made
    made.close()
    assert processes_about(tmp_path) == []


def test_site_explains_what_each_agent_has_found_out(troubled):
    """The words of agents reach whoever asks why; nobody has to look at the machine."""
    begin_troubles(troubled)
    expected = {
        "held": (Reason.REFUSED, Refusal.HELD),
        "full": (Reason.DISK_FULL, Refusal.DISK_FULL),
        "broken": (Reason.FAILED, "no room in the cache"),
        "after": (Reason.RESTART_PENDING, str(int(StatusId.DONE_RESTART_SUPPRESSED_SERVER))),
        "before": (
            Reason.RESTART_PENDING,
            str(int(StatusId.RESTART_FIRST_POSTPONED_AUTOMATICALLY)),
        ),
        "locked": (Reason.AGENT_WAITS, WaitReason.LOCKED),
        "clock": (Reason.AGENT_WAITS, WaitReason.CLOCK),
        "user": (Reason.POSTPONED, "its user postponed it"),
        "denied": (Reason.ACCESS_DENIED, "wrongSignature"),
    }
    found = {name: troubled.explain(f"reference-{name}") for name in TROUBLES}

    assert {name: reason for name, (reason, _) in found.items()} == {
        name: reason.value for name, (reason, _) in expected.items()
    }
    missing = {name for name in TROUBLES if expected[name][1] not in found[name][1]}
    assert missing == set(), found
    assert "ClockSkew" in troubled.conditions()

    troubled.restart("reference-before")
    troubled.edit("catalog.yaml", "reportEvery: 2s", "reportEvery: 3s")
    troubled.wait_for(
        lambda: troubled.explain("reference-before")[0] == Reason.INSTALLED.value,
        "the run to go on after the restart",
    )


def begin_troubles(site):
    site.machines["reference-held"].run("apt-mark", "hold", "app")
    site.configure("reference-full", minFreeMb=10**9)
    site.touch("reference-broken", BREAKS)
    site.touch("reference-after", MARKS)
    site.touch("reference-before", DEMANDS)
    site.boot("reference-before", "first")
    site.lock("reference-locked")
    site.enrol(*(name for name in site.machines if name != "reference-user"))
    site.add_agent(site.machines["reference-user"], {"ring": "reference", "class": "workstation"})
    waits = {
        "held": (StatusId.RUN_REFUSED, Refusal.HELD),
        "full": (StatusId.RUN_REFUSED, Refusal.DISK_FULL),
        "broken": (StatusId.PROGRAM_FAILED, Failure.EXIT_CODE),
        "after": (StatusId.DONE_RESTART_SUPPRESSED_SERVER, ""),
        "before": (StatusId.RESTART_NEEDED_TO_GO_ON, ""),
        "locked": (StatusId.INSTALL_POSTPONED_AUTOMATICALLY, WaitReason.LOCKED),
        "clock": (StatusId.RUN_WAITS, WaitReason.CLOCK),
    }
    for name, (kind, reason) in waits.items():
        site.wait_for(lambda k=kind, n=name, r=reason: site.told(f"reference-{n}", k) == [r], name)
    deny(site)
    postpone(site)
    # A change of the policy wakes the agents, which tell now what they would tell in a minute.
    site.edit("catalog.yaml", "reportEvery: 1s", "reportEvery: 2s")
    kind = StatusId.RESTART_FIRST_POSTPONED_AUTOMATICALLY
    site.wait_for(lambda: site.told("reference-before", kind), "the restart that is suppressed")


def deny(site):
    """Let a machine know the site by another key, as if somebody answered in the site's place."""
    agent, root = site.agents["reference-denied"], site.machines["reference-denied"].root
    agent.stop()
    identity = root / "var/lib/patchwright-agent/identity.json"
    known = json.loads(identity.read_text())
    identity.write_text(json.dumps({**known, "publicKey": "00" * 32}))
    agent.start()
    site.wait_for(
        lambda: "agent.policy.refusal" in site.computer("reference-denied").facts, "the refusal"
    )


def postpone(site):
    """Let the user of the workstation postpone what is offered, once it is."""
    (offer,) = [one for one in site.offers() if one.phase == "reference"]
    words = ("postpone", offer.id, "--for", "30m")
    site.wait_for(lambda: site.run_agent("reference-user", *words) == 0, "the offer to be there")
    kind = StatusId.INSTALL_POSTPONED_BY_USER
    site.wait_for(lambda: site.told("reference-user", kind), "the user's word")
