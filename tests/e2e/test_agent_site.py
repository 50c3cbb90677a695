"""What an agent takes from its site and what it refuses; what it keeps until it is delivered."""

import json
import shutil
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.demo.deb import DebPackage
from reconciler.model.messages import StatusId
from reconciler.model.permits import PermitReply
from reconciler.model.run_reasons import WaitReason
from tests.e2e.agents import DONE, STARTED, SUCCEEDED, AgentOnMachine, offer_packages, wait_until
from tests.e2e.fake_site import make_offer

pytestmark = pytest.mark.e2e

APP = DebPackage(name="app", version="1.0")
NEWER = replace(APP, version="1.1")
LATE = timedelta(seconds=4)


@pytest.fixture
def agent(lab, url):
    lab.repository.publish("bookworm", [APP])
    machine = lab.make_machine("web-1", ["app"])
    with closing(AgentOnMachine(machine, url)) as agent:
        yield agent


@pytest.fixture
def enrolled(agent):
    agent.enrol()
    return agent


def offer_newer(site, tmp_path):
    updates = offer_packages(site, tmp_path / "debs", NEWER)
    site.set_policy(offers=(make_offer(site.manifest, *updates),))


def versions(agent):
    return agent.machine.installed()["app"]


def test_wrong_token_says_what_to_do(agent):
    agent.token.write_text("wrong")
    done = agent.run("enrol", "--server", agent.url, "--token-file", str(agent.token), code=1)

    assert done.stderr.splitlines() == [
        "patchwright-agent: error: the site answered 401: the token is not valid",
        "    hint: ask for another",
    ]


def test_second_enrolment_is_refused(enrolled):
    words = ("enrol", "--server", enrolled.url, "--token-file", str(enrolled.token))

    assert "enrolled already" in enrolled.run(*words, code=1).stderr


def test_plain_http_is_for_loopback_only(agent):
    server = "http://192.0.2.1:8080"
    done = agent.run("enrol", "--server", server, "--token-file", str(agent.token), code=1)

    assert "use https" in done.stderr


def test_not_enrolled_says_what_to_do(agent):
    assert "patchwright-agent enrol" in agent.run("once", code=1).stderr
    assert agent.run("status", code=1).stdout == "not enrolled\n"


def test_files_are_for_the_owner_alone(enrolled):
    assert enrolled.home.stat().st_mode & 0o777 == 0o700
    assert (enrolled.home / "identity.json").stat().st_mode & 0o777 == 0o600


def test_run_enrols_by_itself(agent, site, tmp_path):
    offer_newer(site, tmp_path)
    process = agent.start("--server", agent.url, "--token-file", str(agent.token))
    wait_until(lambda: "installed" in site.states().values())
    process.terminate()

    assert process.wait(5) == 0
    assert versions(agent) == "1.1"


def test_new_policy_acts_within_a_second(enrolled, site, tmp_path):
    process = enrolled.start()
    wait_until(lambda: site.batches)
    offer_newer(site, tmp_path)
    wait_until(lambda: versions_or_none(enrolled) == "1.1", 3)
    process.terminate()

    assert process.wait(5) == 0


def test_a_run_that_needs_a_permit_waits_for_it(enrolled, site, tmp_path):
    """What the machine asks for is to be let start now; nothing is remembered of a refusal."""
    updates = offer_packages(site, tmp_path / "debs", NEWER)
    site.set_policy(offers=(make_offer(site.manifest, *updates, needs_permit=True),))
    enrolled.run("once")
    enrolled.run("once")
    assert versions(enrolled) == "1.0"
    assert site.statuses() == [(int(StatusId.RUN_WAITS), WaitReason.PERMIT)]

    site.permit = PermitReply(granted=True, expires_at=datetime.now(UTC) + timedelta(hours=1))
    enrolled.run("once")

    assert versions(enrolled) == "1.1"


def test_a_permit_that_has_expired_is_none(enrolled, site, tmp_path):
    updates = offer_packages(site, tmp_path / "debs", NEWER)
    site.set_policy(offers=(make_offer(site.manifest, *updates, needs_permit=True),))
    site.permit = PermitReply(granted=True, expires_at=datetime.now(UTC) - timedelta(hours=1))
    enrolled.run("once")

    assert versions(enrolled) == "1.0"


def versions_or_none(agent):
    return agent.machine.installed().get("app")


@pytest.mark.parametrize("reason", ["wrongSignature", "otherComputer", "otherSite", "expired"])
def test_forged_policy_is_refused_and_told(enrolled, site, tmp_path, reason):
    offer_newer(site, tmp_path)
    now = datetime.now(UTC)
    policy = replace(site.policy, version=99, issued_at=now, expires_at=now + timedelta(hours=1))
    changed = {
        "wrongSignature": policy,
        "otherComputer": replace(policy, computer="c-0002"),
        "otherSite": replace(policy, site="XYZ"),
        "expired": replace(policy, expires_at=now),
    }
    with signing_key_of(site, reason):
        site.forged = site.sign(changed[reason])
    enrolled.run("once", code=1)

    assert versions(enrolled) == "1.0"
    assert standing(enrolled)["policy_refused"] == reason
    assert f"refused    {reason}" in enrolled.run("status").stdout
    process = enrolled.start()
    wait_until(
        lambda: [one.get("agent.policy.refusal") for one in told_facts(site)][-1:] == [reason]
    )
    process.terminate()
    assert process.wait(5) == 0
    site.forged = None
    enrolled.run("once")

    assert versions(enrolled) == "1.1"
    assert "agent.policy.refusal" not in told_facts(site)[-1]


def told_facts(site):
    return [batch.facts.facts for batch in site.batches if batch.facts is not None]


@contextmanager
def signing_key_of(site, reason):
    """Sign with another key where that is what is tried."""
    own = site.key
    if reason == "wrongSignature":
        site.key = Ed25519PrivateKey.generate()
    yield
    site.key = own


def test_replayed_policy_is_refused(enrolled, site, tmp_path):
    site.set_policy()
    old = site.sign_now()
    offer_newer(site, tmp_path)
    site.set_policy(enforce=False)
    enrolled.run("once")
    site.forged = old
    done = enrolled.run("once", code=1)

    assert "rolledBack" in enrolled.run("status").stdout
    assert "older than version" in done.stderr


def test_expired_policy_starts_nothing_and_still_scans(enrolled, site, tmp_path):
    offer_newer(site, tmp_path)
    now = datetime.now(UTC)
    (later,) = site.policy.offers
    short = replace(
        site.policy,
        scan=replace(site.policy.scan, every=timedelta(seconds=1)),
        offers=(replace(later, available_at=now + timedelta(seconds=2)),),
        issued_at=now,
        expires_at=now + timedelta(seconds=1),
    )
    site.forged = site.sign(short)
    enrolled.run("once")
    site.is_down = True
    first = standing(enrolled)["scanned_at"]
    process = enrolled.start()
    wait_until(lambda: standing(enrolled)["scanned_at"] > first and datetime.now(UTC) > now + LATE)
    process.terminate()
    process.wait(5)

    assert standing(enrolled)["policy_expired"]
    assert standing(enrolled)["last_run"] is None
    assert versions(enrolled) == "1.0"


def standing(agent):
    return json.loads(agent.run("status", "-o", "json").stdout)


def test_messages_survive_a_site_that_is_down(enrolled, site, tmp_path):
    offer_newer(site, tmp_path)
    enrolled.run("once")
    told = len(site.batches)
    site.is_down = True
    (enrolled.machine.root / "etc/patchwright").mkdir()
    (enrolled.machine.root / "etc/patchwright/facts.json").write_text('{"role": "web"}')
    enrolled.run("scan")
    assert len(site.batches) == told
    process = enrolled.start()
    process.kill()
    process.wait()
    site.is_down = False
    enrolled.run("once")

    facts = [batch.facts for batch in site.batches[told:] if batch.facts is not None]
    assert facts[-1].facts["role"] == "web"
    assert [batch.serial for batch in site.batches] == list(range(1, len(site.batches) + 1))


@contextmanager
def full_home(agent, folder):
    """Put the agent's own files onto a disk of their own, and fill it."""
    kept = folder / "kept"
    shutil.copytree(agent.home, kept)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", agent.home], check=True)
    shutil.copytree(kept, agent.home, dirs_exist_ok=True)
    filler = agent.home / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))
    try:
        yield filler
    finally:
        subprocess.run(["umount", "--lazy", agent.home], check=True)


@pytest.mark.timeout(150)
def test_agent_whose_disk_is_full_changes_nothing_and_goes_on_when_there_is_room(
    enrolled, site, tmp_path
):
    """What it cannot write down it does not begin, and nothing that it told is told twice."""
    enrolled.configure(minFreeMb=1)
    site.set_policy(enforce=False)
    offer_newer(site, tmp_path)
    enrolled.run("once")
    with full_home(enrolled, tmp_path) as filler:
        site.set_policy(enforce=True)
        done = enrolled.run("once", code=1)
        assert "No space left on device" in done.stderr
        assert (versions(enrolled), site.statuses()) == ("1.0", [])
        process = enrolled.start()
        time.sleep(3)
        assert process.poll() is None
        filler.unlink()
        wait_until(lambda: site.statuses() == [STARTED, SUCCEEDED, DONE], seconds=90)
        process.terminate()
        assert process.wait(10) == 0

    assert versions(enrolled) == "1.1"
    marks = [(batch.epoch, batch.serial) for batch in site.batches]
    assert marks == sorted(set(marks))


def test_resync_sends_everything_in_a_greater_epoch(enrolled, site, tmp_path):
    offer_newer(site, tmp_path)
    enrolled.run("once")
    epoch = site.batches[-1].epoch
    site.resync_once = True
    site.set_catalog()
    enrolled.run("once")

    last = site.batches[-1]
    assert (last.epoch, last.full) == (epoch + 6, True)
    assert last.inventory is not None
    assert last.facts is not None


def test_lost_memory_starts_a_greater_epoch(enrolled, site, tmp_path):
    offer_newer(site, tmp_path)
    enrolled.run("once")
    epoch = site.batches[-1].epoch
    (enrolled.home / "state.json").unlink()
    wait_until(lambda: datetime.now(UTC).timestamp() > epoch + 1)
    enrolled.run("once")

    assert site.batches[-1].epoch > epoch
    assert site.batches[-1].full


def test_unreadable_dpkg_database_is_a_failed_scan(enrolled, site, tmp_path):
    offer_newer(site, tmp_path)
    enrolled.run("once")
    before = site.states()
    status = enrolled.machine.root / "var/lib/dpkg/status"
    status.write_text("not a database\n")
    site.set_catalog()
    enrolled.run("once", code=1)

    failed = [batch.scan for batch in site.batches if batch.scan and batch.scan.reason]
    assert [scan.reason for scan in failed] == ["packagesUnreadable"]
    assert site.states() == before


def test_wrong_slice_is_a_failed_scan(enrolled, site, tmp_path):
    offer_newer(site, tmp_path)
    site.content[site.policy.scan.catalog] = b"{}"
    enrolled.run("once", code=1)

    assert site.batches[-1].scan.reason == "contentWrong"


def test_catalog_that_is_down_makes_nobody_compliant_and_is_read_when_it_is_back(
    enrolled, site, tmp_path
):
    """The states of the last scan stay, nothing starts, and the site is told of a failed scan."""
    site.set_policy(enforce=False)
    offer_newer(site, tmp_path)
    enrolled.run("once")
    before = site.states()
    assert set(before.values()) == {"missing"}
    site.set_catalog()
    site.set_policy(enforce=True)
    away = site.content.pop(site.policy.scan.catalog)
    enrolled.run("once", code=1)
    assert (site.states(), versions(enrolled)) == (before, "1.0")
    assert site.batches[-1].scan.reason == "contentWrong"
    site.content[site.policy.scan.catalog] = away
    enrolled.run("once")

    assert site.states() == {}
    assert site.batches[-1].scan.content_version == site.policy.scan.content_version


def test_damaged_state_says_what_to_do(enrolled):
    (enrolled.home / "state.json").write_text("{")

    assert "is damaged" in enrolled.run("once", code=1).stderr


def test_two_agents_do_not_work_at_once(enrolled):
    process = enrolled.start()
    wait_until((enrolled.home / "state.json").exists)
    assert "another patchwright-agent" in enrolled.run("once", code=1).stderr
    process.terminate()
    process.wait(5)


def test_local_scan_names_what_apt_names(lab):
    packages = [DebPackage(name=name, version="1.0") for name in ("app", "lib", "same")]
    lab.repository.publish("bookworm", packages)
    machine = lab.make_machine("web-1", ["app", "lib", "same"])
    lab.repository.publish("bookworm", [replace(packages[0], version="1.1")])
    lab.repository.publish("bookworm-security", [replace(packages[1], version="1.0+deb12u1")])
    before = snapshot(machine.root)
    agent = AgentOnMachine(machine, "")
    found = json.loads(agent.run("scan", "--local", "-o", "json").stdout)["packages"]

    assert snapshot(machine.root) == before
    machine.apt("update")
    listed = machine.run("apt", "list", "--upgradable").stdout.splitlines()[1:]
    assert [row["name"] for row in found] == [line.partition("/")[0] for line in listed]
    assert [(row["name"], row["candidate"], row["suite"], row["security"]) for row in found] == [
        ("app", "1.1", "bookworm", False),
        ("lib", "1.0+deb12u1", "bookworm-security", True),
    ]


def test_local_scan_tells_of_a_source_that_cannot_be_read(lab):
    machine = lab.make_machine("web-1")
    server = urlsplit(lab.url).netloc
    sources = machine.root / "etc/apt/sources.list"
    sources.write_text(sources.read_text().replace(server, "127.0.0.1:1"))
    done = AgentOnMachine(machine, "").run("scan", "--local")

    assert "Failed to fetch" in done.stderr


def snapshot(root):
    return {
        (str(path), path.stat().st_mtime_ns)
        for folder in ("var", "etc", "usr")
        for path in (root / folder).rglob("*")
        if path.is_file()
    }
