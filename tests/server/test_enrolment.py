from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from tests.server.world import HOUR, TOKEN

REQUEST = {"token": TOKEN, "name": "DB-01", "hardwareId": "hw-2"}


def enrol(client, **changes):
    return client.post("/v1/enrol", json=REQUEST | changes)


def test_enrolled_machine_can_speak(world, client):
    response = enrol(client)
    reply = response.json()

    assert response.status_code == 201
    assert (reply["site"], reply["publicKey"]) == ("PWR", world.signer.public_key)
    headers = {"authorization": f"Bearer {reply['credential']}"}
    assert client.get("/v1/policy", headers=headers).status_code == 200
    with world.store.read() as view:
        assert view.computers.find(reply["computer"]).name == "db-01"


def test_secrets_are_stored_as_digests_only(world, client):
    credential = enrol(client).json()["credential"]

    stored = world.store.path.read_bytes() + (world.store.path.parent / "site.db-wal").read_bytes()
    assert credential.encode() not in stored
    assert TOKEN.encode() not in stored


def test_token_enrols_once(client):
    answers = [enrol(client), enrol(client, name="db-02")]

    assert [answer.status_code for answer in answers] == [201, 401]


def test_expired_token_is_refused(world, client):
    world.clock.time += HOUR + timedelta(seconds=1)

    assert enrol(client).status_code == 401


def test_unknown_token_is_refused(client):
    assert enrol(client, token="guess").status_code == 401


def test_taken_name_is_refused_and_the_token_stays_good(client):
    assert enrol(client, name="web-01").status_code == 409
    assert enrol(client).status_code == 201


@pytest.mark.parametrize("changes", [{"name": ""}, {"name": "a b"}, {"hardwareId": "x" * 300}])
def test_impossible_name_is_refused_and_the_token_stays_good(client, changes):
    assert enrol(client, **changes).status_code == 400
    assert enrol(client).status_code == 201


def test_one_address_cannot_guess_for_ever(world):
    with TestClient(world.make_app(enrolments_per_minute=3)) as client:
        answers = [enrol(client, token=f"guess-{n}").status_code for n in range(5)]

    assert answers == [401, 401, 401, 429, 429]
