"""Lives of computers, with real agents: one that was copied, and one that lost its credential."""

import json
import shutil
import time
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from reconciler.agent.renewal import RENEW_AFTER
from reconciler.model.codec import encode
from reconciler.model.computers import CLONED
from reconciler.model.messages import StatusId
from tests.e2e.site import NEW, OLD, make_package, update_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]

APP = update_of("app")
IDENTITY = "var/lib/patchwright-agent"


@pytest.fixture
def scanned(world):
    """One machine that has scanned, at a site that has nothing for it yet."""
    world.add_machines("reference-1")
    world.publish(make_package("tool", NEW))
    world.edit("catalog.yaml", "schedule: 1d", "schedule: 1s")
    world.begin()
    world.wait_for(lambda: _has_scanned(world), "the first scan")
    return world


def _has_scanned(world):
    return world.knows("reference-1") and world.computer("reference-1").last_scan_at is not None


class Talk:
    """Gives agents something to tell, and wakes them."""

    def __init__(self, world, *machines):
        self.world, self.machines, self.every = world, machines, 1

    def __call__(self):
        for machine in self.machines:
            facts = {"ring": "reference", "at": f"{machine.root.name} {self.every}"}
            (machine.root / "etc/patchwright/facts.json").write_text(json.dumps(facts))
        new = f"reportEvery: {self.every + 1}s"
        self.world.edit("catalog.yaml", f"reportEvery: {self.every}s", new)
        self.every += 1
        time.sleep(2)


def test_copied_machine_is_quarantined_with_its_original_until_both_enrol_anew(scanned):
    """As an image that was made of an enrolled machine (L3)."""
    original = scanned.machines["reference-1"]
    scanned.agents["reference-1"].stop()
    copy = scanned.lab.copy_machine(original, "reference-2")
    scanned.machines["reference-2"] = copy
    scanned.agents["reference-1"].start()
    scanned.enrol("reference-2")
    scanned.wait_for(
        lambda: scanned.computer("reference-1").quarantine == CLONED,
        "quarantine",
        watch=Talk(scanned, original, copy),
    )
    scanned.publish(make_package("app", NEW))
    scanned.wait_for(lambda: "Quarantined" in scanned.conditions(), "the site to name it")

    assert scanned.stays(lambda: not scanned.has_run("reference-1"), 3)
    assert [one.installed()["app"] for one in (original, copy)] == [OLD, OLD]

    for name in ("reference-1", "reference-2"):
        scanned.agents[name].stop()
        shutil.rmtree(scanned.machines[name].root / IDENTITY)
    scanned.enrol("reference-1", "reference-2")
    scanned.wait_for(
        lambda: [one.installed().get("app") for one in (original, copy)] == [NEW, NEW],
        "both to be served",
    )


def test_revoked_agent_is_told_what_to_do_and_enrols_anew(scanned):
    scanned.patchwright("revoke", "reference-1", "--site", str(scanned.site))
    log = scanned.agents["reference-1"].log
    scanned.wait_for(lambda: "enrol" in log.read_text(), "the agent to be refused")
    scanned.publish(make_package("app", NEW))

    assert scanned.stays(lambda: scanned.versions("reference-1")["app"] == OLD, 3)
    assert "Traceback" not in log.read_text()
    scanned.agents["reference-1"].stop()
    shutil.rmtree(scanned.machines["reference-1"].root / IDENTITY)
    before = scanned.computer("reference-1").id
    scanned.enrol("reference-1")
    scanned.wait_for(lambda: scanned.versions("reference-1").get("app") == NEW, "it to be served")
    assert scanned.computer("reference-1").id == before
    scanned.wait_for(
        lambda: len(scanned.messages("reference-1", StatusId.PROGRAM_SUCCEEDED)) == 1,
        "the run to be told",
    )


def test_old_credential_is_renewed_and_the_one_before_is_good_no_more(scanned):
    """An agent that has had its credential for a month asks for another, and works on with it."""
    root = scanned.machines["reference-1"].root
    scanned.agents["reference-1"].stop()
    path = root / IDENTITY / "identity.json"
    before = json.loads(path.read_text())
    month_ago = encode(datetime.now(UTC) - RENEW_AFTER)
    path.write_text(json.dumps({**before, "renewedAt": month_ago}))
    scanned.agents["reference-1"].start()
    scanned.wait_for(
        lambda: json.loads(path.read_text())["credential"] != before["credential"], "another one"
    )
    scanned.publish(make_package("app", NEW))
    scanned.wait_for(lambda: scanned.versions("reference-1").get("app") == NEW, "it to be served")

    assert path.stat().st_mode & 0o777 == 0o600
    assert answer_to(scanned.url, before["credential"]) == HTTPStatus.UNAUTHORIZED
    assert answer_to(scanned.url, json.loads(path.read_text())["credential"]) == HTTPStatus.OK


def answer_to(url, credential):
    """Ask for a policy as who holds the credential; give the status code of the answer."""
    asked = Request(f"{url}/v1/policy", headers={"Authorization": f"Bearer {credential}"})  # noqa: S310
    try:
        with urlopen(asked, timeout=10) as answer:  # noqa: S310
            return answer.status
    except HTTPError as error:
        return error.code
