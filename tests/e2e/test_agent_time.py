"""Clocks that are wrong, windows that are missed, and a site that is away when something is due."""

import socket
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.messages import StatusId
from reconciler.model.policy import Windows
from reconciler.model.run_reasons import WaitReason
from tests.e2e.agents import DONE, PROJECT, STARTED, SUCCEEDED, app, offer, wait_until
from tests.e2e.fake_site import FakeSite, serve_site

pytestmark = pytest.mark.e2e


def run_at(agent, offset, *words):
    """Run the agent on a machine whose clock is wrong."""
    command = ["faketime", "-f", offset, *agent.command(*words)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=PROJECT, timeout=50, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def newest_facts(site):
    return [batch.facts.facts for batch in site.batches if batch.facts is not None][-1]


@pytest.mark.parametrize("offset", ["+1d", "-1d"])
def test_clock_wrong_by_a_day_starts_nothing_and_says_why(agent_on, site, tmp_path, offset):
    agent = agent_on(app("1.0"))
    (update,) = offer(site, tmp_path / "debs", app("1.1"))
    assert run_at(agent, offset, "once") == 0
    told = newest_facts(site)["clock.skew.minutes"]
    assert told == (-1440 if offset == "+1d" else 1440)
    assert site.statuses() == [(int(StatusId.RUN_WAITS), WaitReason.CLOCK)]
    assert site.states() == {update.id: "missing"}, "scans go on"
    assert all(
        abs(batch.sent_at - datetime.now(UTC)) < timedelta(minutes=1) for batch in site.batches
    )
    agent.run("once")

    assert site.statuses()[1:] == [STARTED, SUCCEEDED, DONE]
    assert "clock.skew.minutes" not in newest_facts(site)


def test_clock_wrong_by_an_hour_is_told_and_corrected(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    run_at(agent, "+1h", "once")

    assert newest_facts(site)["clock.skew.minutes"] == -60
    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert all(
        abs(status.at - datetime.now(UTC)) < timedelta(minutes=1)
        for batch in site.batches
        for status in batch.statuses
    )


def window(begin, end):
    """Open one window, in seconds from now."""
    now = datetime.now(UTC)
    span = (now + timedelta(seconds=begin), now + timedelta(seconds=end))
    return Windows(always=False, updates=(span,), until=now + timedelta(days=1))


@pytest.mark.parametrize(
    ("span", "told"),
    [
        pytest.param((600, 1200), (StatusId.WINDOW_TOO_EARLY, WaitReason.WINDOW_AHEAD), id="ahead"),
        pytest.param((-600, -5), (StatusId.WINDOW_TOO_LATE, WaitReason.WINDOW_MISSED), id="missed"),
        pytest.param(
            (-600, 60), (StatusId.WINDOW_TOO_SHORT, WaitReason.WINDOW_TOO_SHORT), id="too-short"
        ),
    ],
)
def test_run_that_waits_for_its_window_says_so_once(agent_on, site, tmp_path, span, told):
    agent = agent_on(app("1.0"))
    site.set_policy(windows=window(*span))
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once")
    agent.run("once")

    assert site.statuses() == [(int(told[0]), told[1])]
    assert agent.machine.installed() == {"app": "1.0"}


def test_content_is_there_before_the_window_and_the_site_may_be_away_then(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    site.set_policy(windows=window(12, 600))
    offer(site, tmp_path / "debs", app("1.1"))
    agent.start()
    debs = {digest for digest, content in site.content.items() if content[:7] == b"!<arch>"}
    wait_until(lambda: all((agent.home / "content" / digest).exists() for digest in debs))
    site.is_down = True
    assert agent.machine.installed() == {"app": "1.0"}
    wait_until(lambda: agent.machine.installed() == {"app": "1.1"}, seconds=25)
    site.is_down = False

    wait_until(lambda: site.statuses()[-3:] == [STARTED, SUCCEEDED, DONE], seconds=40)


def test_run_command_enrols_when_the_site_comes_up(agent_on):
    agent = agent_on(app("1.0"))
    (agent.home / "identity.json").unlink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    late = FakeSite()
    process = agent.start("--server", f"http://127.0.0.1:{port}", "--token-file", str(agent.token))
    log = agent.machine.root.parent / "agent.log"
    wait_until(lambda: "not enrolled yet" in log.read_text())
    with serve_site(late, port):
        wait_until(lambda: late.batches)
        process.terminate()
        assert process.wait(10) == 0


def test_content_of_offers_that_are_gone_is_deleted(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    site.set_policy(windows=window(600, 1200))
    offer(site, tmp_path / "debs", app("1.1"))
    process = agent.start()
    folder = agent.home / "content"
    wait_until(lambda: folder.exists() and len(list(folder.iterdir())) == 4)
    site.set_policy(offers=())
    wait_until(lambda: len(list(folder.iterdir())) == 1)
    process.terminate()

    assert process.wait(10) == 0
