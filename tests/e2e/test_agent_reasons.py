"""What waits on a machine, why, and until when, as its administrator reads it."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.messages import StatusId
from reconciler.model.orders import RestartOrder, RunOrder, UserRights
from reconciler.model.policy import Windows
from reconciler.model.run_reasons import Failure, Refusal, RestartWait, WaitReason
from tests.e2e.agents import FAILED, REFUSED, STARTED, app, offer, wait_until

pytestmark = pytest.mark.e2e

HOUR = timedelta(hours=1)
NOBODY = UserRights(available=False, postpone=False)
LATE = RunOrder(user=NOBODY, spread=1000 * HOUR)
FOR_THE_USER = {"order": RunOrder(), "mandatory_at": datetime.now(UTC) + 24 * HOUR}


def always(**changes):
    return Windows(**{"always": True, "updates": (), "until": datetime.now(UTC), **changes})


def frozen():
    now = datetime.now(UTC)
    return always(always=False, frozen=((now - HOUR, now + HOUR),))


def read_waits(agent):
    return json.loads(agent.run("status", "-o", "json").stdout)["waits"]


def reasons_of(agent):
    return [one["reason"] for one in read_waits(agent)]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(({"enforce": False}, {}, WaitReason.OBSERVING, False), id="observing"),
        pytest.param(({}, {"held": True}, WaitReason.HELD, False), id="held"),
        pytest.param(({}, FOR_THE_USER, WaitReason.USER, True), id="user"),
        pytest.param(({}, {"mandatory_at": None}, WaitReason.USER, False), id="offered-only"),
        pytest.param(({}, {"order": LATE}, WaitReason.SPREAD, True), id="spread"),
        pytest.param(({"windows": frozen()}, {}, WaitReason.FREEZE, True), id="freeze"),
    ],
)
def test_status_says_what_waits_and_until_when(agent_on, site, tmp_path, case):
    policy, offered, reason, ends = case
    agent = agent_on(app("1.0"))
    site.set_policy(**policy)
    offer(site, tmp_path / "debs", app("1.1"), **offered)
    agent.run("once")

    (waits,) = read_waits(agent)
    assert (waits["reason"], waits["until"] is not None) == (reason.value, ends)
    assert f"september/1: {reason.value}" in agent.run("status").stdout
    assert agent.machine.installed() == {"app": "1.0"}


def test_freeze_is_told_to_the_site_once(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    site.set_policy(windows=frozen())
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once")
    agent.run("once")

    assert site.statuses() == [(int(StatusId.RUN_WAITS), WaitReason.FREEZE)]


def test_status_tells_a_run_that_failed_when_it_is_tried_again(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1", scripts={"preinst": "exit 3"}))
    agent.run("once", code=1)

    (waits,) = read_waits(agent)
    assert waits["reason"] == WaitReason.RETRY.value
    again = datetime.fromisoformat(waits["until"]) - datetime.now(UTC)
    assert HOUR < again <= 2 * HOUR


def test_status_tells_that_the_site_was_not_heard_of_for_too_long(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"), held=True)
    agent.run("once")
    site.forged = site.sign_now(timedelta(seconds=1))
    agent.run("once")
    time.sleep(1)

    assert reasons_of(agent) == [WaitReason.POLICY_EXPIRED.value]


def test_status_tells_what_is_under_way_and_what_comes_next(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    soon = datetime.now(UTC) + timedelta(seconds=4)
    slow = app("1.1", scripts={"postinst": "sleep 4"})
    offer(site, tmp_path / "debs", slow, available_at=soon, mandatory_at=soon)
    agent.run("once")
    wait_until(lambda: datetime.now(UTC) > soon)
    assert reasons_of(agent) == [WaitReason.NEXT.value]
    agent.start()
    wait_until(lambda: STARTED in site.statuses())

    assert reasons_of(agent) == [WaitReason.RUNNING.value]


def test_run_waits_for_content_that_the_site_does_not_give(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    for digest in [one for one, content in site.content.items() if content[:7] == b"!<arch>"]:
        site.break_off[digest] = 0
    agent.run("once", code=1)

    assert reasons_of(agent) == [WaitReason.CONTENT.value]
    agent.run("once")
    assert site.statuses()[0] == (int(StatusId.RUN_WAITS), WaitReason.CONTENT)
    assert agent.machine.installed() == {"app": "1.1"}


def test_status_tells_why_a_restart_waits(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    agent.configure(restartCommand=["/bin/false"])
    folder = agent.machine.root / "proc/sys/kernel/random"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "boot_id").write_text("first\n")
    now = datetime.now(UTC)
    later = (now + HOUR, now + 2 * HOUR)
    site.set_policy(
        windows=always(always=False, updates=((now - HOUR, now + HOUR),), restarts=(later,))
    )
    offer(
        site,
        tmp_path / "debs",
        app("1.1"),
        order=RunOrder(RestartOrder(servers="force"), user=NOBODY),
    )
    agent.run("once")

    restart = json.loads(agent.run("status", "-o", "json").stdout)["restart"]
    assert restart["reason"] == RestartWait.WINDOW.value
    assert datetime.fromisoformat(restart["until"]) == later[0]


def test_configuration_that_apt_cannot_read_is_told(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    with (agent.machine.root / "etc/apt/root.conf").open("a") as file:
        file.write('#include "/absent";\n')
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.APT_FAILED)]
    assert "/absent" in site.details()


def test_apt_that_ends_well_and_installs_nothing_is_a_failure(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    with (agent.machine.root / "etc/apt/root.conf").open("a") as file:
        file.write('DPkg::Options:: "--no-act";\n')
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.NOT_INSTALLED)]


def test_preferences_that_apt_cannot_read_are_told(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    (agent.machine.root / "etc/apt/preferences.d/broken").write_text("Pin: version 1.0\n")
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.COMMAND_FAILED)]
    assert "apt-cache" in site.details()


def test_agent_that_cannot_write_its_own_files_says_so(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    (agent.home / "repository").write_text("in the way")
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.CANNOT_PREPARE)]
