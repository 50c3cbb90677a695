"""What a computer's user sees and decides, and what the site is told of it."""

import json
import socket
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.agent.user_socket import PLACE, short_path
from reconciler.model.messages import StatusId
from reconciler.model.orders import Reminder, RestartOrder, RunOrder, UserRights
from reconciler.model.policy import Windows
from reconciler.model.run_reasons import RestartWait, WaitReason
from tests.e2e.agents import DONE, STARTED, SUCCEEDED, app, offer, wait_until

pytestmark = pytest.mark.e2e

USER = RunOrder(user=UserRights(available=True, postpone=True))
POSTPONED = int(StatusId.INSTALL_POSTPONED_BY_USER)
RESCHEDULED = int(StatusId.INSTALL_RESCHEDULED_BY_USER)
OFFER = "LAB00002"


def in_seconds(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.fixture
def waiting(agent_on, site, tmp_path):
    """An agent that runs, and an offer that waits for its user for an hour, in no window."""

    def start(order=USER, deadline=3600, **changes):
        agent = agent_on(app("1.0"))
        site.set_policy(windows=Windows(always=False, updates=(), until=in_seconds(3600)))
        offer(
            site,
            tmp_path / "debs",
            app("1.1"),
            order=order,
            mandatory_at=in_seconds(deadline),
            **changes,
        )
        agent.start()
        wait_until(site.states)
        return agent

    return start


def voluntary(site):
    return {one.id: one.voluntary for batch in site.batches for one in batch.statuses}


def test_user_starts_what_waits_at_once_and_in_no_window(waiting, site):
    agent = waiting()
    shown = json.loads(agent.run("pending", "-o", "json").stdout)["offers"]
    assert [(one["offer"], one["mayStart"], one["mayPostpone"]) for one in shown] == [
        (OFFER, True, True)
    ]
    assert site.statuses() == []
    assert "installed now" in agent.run("install-now", OFFER).stdout
    wait_until(lambda: site.statuses() == [STARTED, SUCCEEDED, DONE], seconds=15)

    assert set(voluntary(site).values()) == {True}
    wait_until(lambda: agent.run("pending").stdout == "nothing is pending\n")


def test_user_chooses_a_time(waiting, site):
    agent = waiting()
    agent.run("install-now", OFFER, "--at", in_seconds(4).isoformat())
    wait_until(lambda: site.statuses() == [(RESCHEDULED, "")])
    assert "as you chose" in agent.run("pending").stdout
    assert f"september/1: {WaitReason.CHOSEN.value}" in agent.run("status").stdout
    wait_until(lambda: site.statuses()[1:] == [STARTED, SUCCEEDED, DONE], seconds=20)

    assert voluntary(site)[STARTED[0]]


def test_user_postpones_until_the_deadline_and_then_it_is_enforced(waiting, site):
    agent = waiting(deadline=8)
    site.set_policy(windows=Windows(always=True, updates=(), until=in_seconds(0)))
    assert "postponed until" in agent.run("postpone", OFFER, "--for", "1d").stdout
    wait_until(lambda: site.statuses() == [(POSTPONED, "")])
    assert f"september/1: {WaitReason.POSTPONED.value}" in agent.run("status").stdout
    wait_until(lambda: site.statuses()[1:] == [STARTED, SUCCEEDED, DONE], seconds=20)

    assert voluntary(site) == {
        POSTPONED: True,
        STARTED[0]: False,
        SUCCEEDED[0]: False,
        DONE[0]: False,
    }


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(("postpone", OFFER), "the deadline of september was", id="too-late"),
        pytest.param(("postpone", "restart"), "no restart is pending", id="no-restart"),
        pytest.param(("install-now", "LAB0000F"), "is not pending here", id="unknown"),
        pytest.param(("install-now", OFFER, "--at", "soon"), "is not an instant", id="no-instant"),
        pytest.param(("postpone", OFFER, "--for", "2 days"), "is not a duration", id="no-span"),
    ],
)
def test_what_cannot_be_done_is_said(waiting, words, says):
    agent = waiting(deadline=-5)

    assert says in agent.run(*words, code=1).stderr


def test_offer_without_user_rights_starts_for_nobody(waiting):
    agent = waiting(order=RunOrder(user=UserRights(available=False, postpone=False)))

    assert "lets no user start it" in agent.run("install-now", OFFER, code=1).stderr
    assert "lets no user postpone it" in agent.run("postpone", OFFER, code=1).stderr


def test_without_a_running_agent_the_command_says_so(agent_on):
    agent = agent_on(app("1.0"))

    assert "no agent answers" in agent.run("pending", code=1).stderr


def send(agent, content):
    """Speak to the socket as a program that is not ours."""
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.settimeout(10)
        with short_path(agent.machine.root / PLACE) as path:
            made.connect(path)
        made.sendall(content)
        return json.loads(made.makefile().readline())


def test_nonsense_is_answered_and_stops_nothing(waiting):
    agent = waiting()

    assert "cannot be read" in send(agent, b"hello\n")["problem"]
    assert "cannot be read" in send(agent, b"[" * 4000 + b"\n")["problem"]
    assert "more than 4096 bytes" in send(agent, b"x" * 10_000)["problem"]
    assert (
        "nothing that can be asked"
        in send(agent, json.dumps({"ask": "reboot", "offer": OFFER}).encode() + b"\n")["problem"]
    )
    assert OFFER in agent.run("pending").stdout


def test_user_who_says_nothing_keeps_nobody_waiting(waiting):
    agent = waiting()
    with closing(socket.socket(socket.AF_UNIX)) as silent:
        with short_path(agent.machine.root / PLACE) as path:
            silent.connect(path)

        assert OFFER in agent.run("pending").stdout


def test_reminders_reach_the_user_until_they_are_postponed(waiting, tmp_path):
    shown = tmp_path / "shown"
    script = tmp_path / "notify.sh"
    script.write_text(f'#!/bin/sh\necho "$1" >> {shown}\n')
    script.chmod(0o755)
    often = Reminder(timedelta(hours=2), timedelta(seconds=2))
    order = replace(USER, user=replace(USER.user, reminders=(often,)))

    def configure(agent):
        agent.configure(notify=[str(script)])

    agent = waiting(order=order)
    agent.close()
    configure(agent)
    agent.start()
    wait_until(lambda: shown.exists() and len(shown.read_text().splitlines()) >= 2)
    assert f"install-now {OFFER}" in shown.read_text()
    agent.run("postpone", OFFER, "--for", "1h")
    before = shown.read_text()
    agent.run("pending")
    wait_until(lambda: True)

    assert len(shown.read_text().splitlines()) - len(before.splitlines()) <= 1


def test_user_postpones_the_restart(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    agent.configure(restartCommand=["/bin/false"])
    restart = RestartOrder(servers="if-required", grace=timedelta(hours=1))
    marking = app("1.1", scripts={"postinst": "touch /run/reboot-required"})
    offer(
        site,
        tmp_path / "debs",
        marking,
        order=replace(USER, restart=restart),
        mandatory_at=in_seconds(3600),
    )
    agent.start()
    wait_until(site.states)
    agent.run("install-now", OFFER)
    required = (int(StatusId.RESTART_REQUIRED), RestartWait.GRACE)
    wait_until(lambda: site.statuses() == [STARTED, SUCCEEDED, required], seconds=20)
    assert "restart  needed since" in agent.run("pending").stdout
    agent.run("postpone", "restart", "--for", "10m")

    later = (int(StatusId.DONE_RESTART_POSTPONED_BY_USER), RestartWait.POSTPONED)
    wait_until(lambda: site.statuses()[3:] == [later], seconds=15)
    agent.run("postpone", "restart", "--until", in_seconds(900).isoformat())

    chosen = (int(StatusId.DONE_RESTART_RESCHEDULED_BY_USER), RestartWait.POSTPONED)
    wait_until(lambda: site.statuses()[4:] == [chosen], seconds=15)
