"""Computers that are built anew, cloned or shut out (L1 to L4)."""

from datetime import timedelta

import pytest

from reconciler.engine.intake import take_in
from reconciler.model.computers import CLONED
from reconciler.model.ids import sha256_hex
from reconciler.model.updates import UpdateState
from reconciler.store.credentials import TokenTerms
from tests.server.world import HOUR


@pytest.fixture
def image_token(world):
    with world.store.write() as work:
        now = world.clock.now()
        terms = TokenTerms(now + HOUR, uses=2, collection="web")
        work.tokens.save(sha256_hex(b"image"), now, terms)
    return "image"


def enrol(client, name, hardware_id, token):
    asked = {"token": token, "name": name, "hardwareId": hardware_id}
    return client.post("/v1/enrol", json=asked)


def speak(client, world, reply, instances):
    """Send a batch of each of these lives of an agent, all with one credential."""
    speak_as(client, world, reply, *enumerate(instances, 1))


def speak_as(client, world, reply, *said):
    headers = {"authorization": f"Bearer {reply['credential']}"}
    for serial, instance in said:
        changes = {"serial": serial, "full": serial == 1, "instance": instance}
        batch = world.batch(**changes) | {"computer": reply["computer"]}
        answer = client.post("/v1/messages", json=batch, headers=headers)
        assert answer.status_code == 202, answer.text


def test_token_of_an_image_enrols_so_many_machines(client, world, image_token):
    answers = [enrol(client, f"n-{n}", f"hw-n{n}", image_token) for n in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 401]
    with world.store.read() as view:
        facts = view.computers.find(answers[0].json()["computer"]).facts
    assert facts == {"enrolment.collection": "web"}


def test_rebuilt_machine_takes_the_place_of_its_record(client, world, image_token):
    first = enrol(client, "n-1", "hw-n1", image_token).json()
    with world.store.write() as work:
        known = work.computers.find(first["computer"])
        known.states["u"] = UpdateState.INSTALLED
        work.computers.save(known)
    second = enrol(client, "n-1", "hw-n1", image_token).json()

    assert second["computer"] == first["computer"]
    with world.store.read() as view:
        assert view.computers.find(first["computer"]).states == {}
    old = {"authorization": f"Bearer {first['credential']}"}
    new = {"authorization": f"Bearer {second['credential']}"}
    assert client.get("/v1/policy", headers=old).status_code == 401
    assert client.get("/v1/policy", headers=new).status_code == 200


def test_name_is_not_given_to_other_hardware(client, image_token):
    enrol(client, "n-1", "hw-n1", image_token)

    assert enrol(client, "n-1", "hw-other", image_token).status_code == 409


def test_machine_that_restarts_is_no_clone(client, world, image_token):
    reply = enrol(client, "n-1", "hw-n1", image_token).json()
    speak(client, world, reply, ("a", "a", "b", "c"))

    with world.store.read() as view:
        assert view.computers.find(reply["computer"]).quarantine == ""


def test_late_repeat_of_what_was_said_before_a_restart_is_no_clone(client, world, image_token):
    reply = enrol(client, "n-1", "hw-n1", image_token).json()
    speak_as(client, world, reply, (1, "a"), (2, "a"), (3, "b"), (2, "a"), (1, "a"), (4, "b"))

    with world.store.read() as view:
        assert view.computers.find(reply["computer"]).quarantine == ""


def test_machines_that_speak_in_step_are_quarantined(client, world, image_token):
    """What the second one says has the number of what the first one said: it looks repeated."""
    reply = enrol(client, "n-1", "hw-n1", image_token).json()
    speak_as(client, world, reply, (1, "original"), (1, "clone"), (2, "original"))

    with world.store.read() as view:
        assert view.computers.find(reply["computer"]).quarantine == CLONED


def test_two_machines_with_one_credential_are_quarantined(client, world, image_token):
    reply = enrol(client, "n-1", "hw-n1", image_token).json()
    computer = reply["computer"]
    speak(client, world, reply, ("original", "clone", "original"))

    with world.store.read() as view:
        found = view.computers.find(computer)
    assert (found.quarantine, found.facts["agent.quarantine"]) == (CLONED, CLONED)
    assert found.last_scan_at is None
    enrol(client, "n-1", "hw-n1", image_token)
    with world.store.read() as view:
        assert view.computers.find(computer).quarantine == ""


def test_what_quarantined_machines_say_is_no_evidence(client, world, image_token):
    reply = enrol(client, "n-1", "hw-n1", image_token).json()
    speak(client, world, reply, ("original", "clone", "original", "clone"))
    with world.store.write() as work:
        fence = work.lease.acquire("test", timedelta(minutes=1), world.clock.now())
    take_in(world.store, fence)

    with world.store.read() as view:
        found = view.computers.find(reply["computer"])
        assert view.inbox.waiting() == 0
    assert found.states == {}


def test_renewed_credential_takes_the_place_of_the_old_one_when_it_is_used(
    client, world, image_token
):
    reply = enrol(client, "n-1", "hw-n1", image_token).json()
    old = {"authorization": f"Bearer {reply['credential']}"}
    answer = client.post("/v1/credential", headers=old)
    fresh = reply | {"credential": answer.json()["credential"]}
    new = {"authorization": f"Bearer {fresh['credential']}"}

    assert answer.status_code == 201
    # Whoever lost the answer, or crashed before it was kept, can still speak.
    assert [client.get("/v1/policy", headers=one).status_code for one in (old, new)] == [200, 200]
    speak(client, world, fresh, ("a",))
    assert [client.get("/v1/policy", headers=one).status_code for one in (old, new)] == [401, 200]


def test_renewal_needs_a_credential_that_is_good(client):
    headers = {"authorization": "Bearer guess"}

    assert client.post("/v1/credential", headers=headers).status_code == 401


def test_revoked_credential_is_refused_and_says_what_to_do(client, world, image_token):
    reply = enrol(client, "n-1", "hw-n1", image_token).json()
    with world.store.write() as work:
        work.credentials.revoke(reply["computer"])
    answer = client.get("/v1/policy", headers={"authorization": f"Bearer {reply['credential']}"})

    assert answer.status_code == 401
    assert "enrol" in answer.json()["hint"]
