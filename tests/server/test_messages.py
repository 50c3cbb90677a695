import gzip
import json

import pytest
from starlette.testclient import TestClient

from reconciler.server.messages import LARGEST_BATCH
from tests.server.world import NOW, TOKEN

GZIP = {"content-encoding": "gzip"}
JSON = {"content-type": "application/json"}


def test_batch_is_kept_and_acknowledged(world, client):
    response = client.post("/v1/messages", json=world.batch())

    assert response.status_code == 202
    assert response.json() == {"epoch": 1, "serial": 1, "accepted": True, "resync": False}
    with world.store.read() as view:
        [item] = view.inbox.take(5)
    assert (item.batch.computer, item.received_at) == (world.computer, NOW)


def test_repeat_is_acknowledged_and_not_kept_again(world, client):
    answers = [client.post("/v1/messages", json=world.batch()).json() for _ in range(2)]

    assert [answer["accepted"] for answer in answers] == [True, False]
    assert world.waiting() == 1


def test_gap_asks_for_everything(world, client):
    client.post("/v1/messages", json=world.batch())
    response = client.post("/v1/messages", json=world.batch(serial=3, full=False))

    assert response.json() == {"epoch": 1, "serial": 1, "accepted": False, "resync": True}


def test_compressed_batch_is_read(world, client):
    body = gzip.compress(json.dumps(world.batch()).encode())

    assert client.post("/v1/messages", content=body, headers=JSON | GZIP).status_code == 202
    assert world.waiting() == 1


def test_contact_is_noted_and_flushed(world):
    with TestClient(world.app, headers=world.headers) as client:
        client.post("/v1/messages", json=world.batch())

    with world.store.read() as view:
        assert view.computers.find(world.computer).last_contact_at == NOW


GOOD = b'{"computer":"%s","epoch":1,"serial":1,"full":true,"sentAt":"2026-03-01T12:00:00Z"'
NUMBERS = GOOD + b',"facts":{"at":"2026-03-01T12:00:00Z","facts":{"a":%s}}}'


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param(b"", 400, "is not JSON", id="empty"),
        pytest.param(b"{", 400, "is not JSON", id="cut"),
        pytest.param(b"[]", 400, "is not an object", id="list"),
        pytest.param(b"{}", 400, "computer is missing", id="nothing"),
        pytest.param(b"[" * 100_000, 400, "nested too deep", id="deep"),
        pytest.param(b'{"a":' * 100_000, 400, "nested too deep", id="deep-objects"),
        pytest.param(b'"\xff"', 400, "not UTF-8", id="not-utf-8"),
        pytest.param(GOOD + b',"new":1}', 400, "unknown field 'new'", id="unknown-field"),
        pytest.param(GOOD.replace(b"true", b"1") + b"}", 400, "full is not true", id="type"),
        pytest.param(
            GOOD.replace(b'"serial":1', b'"serial":-1') + b"}", 400, "serial", id="negative"
        ),
        pytest.param(GOOD.replace(b"2026", b"0001") + b"}", 400, "the years 1000", id="year-one"),
        pytest.param(GOOD.replace(b"2026", b"1969") + b"}", 400, "cannot be", id="before-unix"),
        pytest.param(GOOD.replace(b"2026", b"2200") + b"}", 400, "cannot be", id="far-future"),
        pytest.param(
            GOOD.replace(b"%s", b"\\ud800") + b"}", 400, "half a character", id="surrogate"
        ),
        pytest.param(NUMBERS.replace(b'{"a":%s}', b'{"a":NaN}'), 400, "no number", id="nan"),
        pytest.param(NUMBERS.replace(b'{"a":%s}', b'{"a":1e999}'), 400, "too large", id="infinite"),
        pytest.param(
            NUMBERS.replace(b'{"a":%s}', b'{"a":9223372036854775808}'), 400, "64 bits", id="large"
        ),
        pytest.param(
            NUMBERS.replace(b'{"a":%s}', b'{"a":' + b"9" * 5000 + b"}"), 400, "64 bits", id="huge"
        ),
        pytest.param(b" " * (LARGEST_BATCH + 1), 413, "larger than", id="oversized"),
    ],
)
def test_bad_body_is_refused_and_nothing_is_stored(world, client, body, status, error):
    body = body.replace(b"%s", world.computer.encode())
    response = client.post("/v1/messages", content=body, headers=JSON)

    assert response.status_code == status
    assert error in response.json()["error"]
    assert world.waiting() == 0


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        pytest.param(lambda _: b"not gzip", "is not gzip", id="not-gzip"),
        pytest.param(lambda good: good[:-4], "cut short", id="cut"),
        pytest.param(lambda good: good * 2, "more than one gzip member", id="two-members"),
        pytest.param(lambda _: gzip.compress(b" " * (64 * LARGEST_BATCH)), "larger", id="bomb"),
    ],
)
def test_bad_compression_is_refused(world, client, damage, error):
    body = damage(gzip.compress(json.dumps(world.batch()).encode()))
    response = client.post("/v1/messages", content=body, headers=JSON | GZIP)

    assert response.status_code in {400, 413}
    assert error in response.json()["error"]
    assert world.waiting() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": ""},
        JSON | {"content-encoding": "br"},
    ],
    ids=["plain", "latin-1", "none", "brotli"],
)
def test_other_content_types_are_refused(world, client, headers):
    body = json.dumps(world.batch()).encode()

    assert client.post("/v1/messages", content=body, headers=headers).status_code == 415


def test_body_without_a_length_is_bounded(client):
    chunks = (b" " * 1_000_000 for _ in range(9))

    assert client.post("/v1/messages", content=chunks, headers=JSON).status_code == 413


def test_batch_of_another_computer_is_refused(world, client):
    with world.store.write() as work:
        other = work.computers.enrol("db-01", "hw-2", NOW)
    response = client.post("/v1/messages", json=world.batch(computer=other.id))

    assert response.status_code == 403
    assert world.waiting() == 0


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}", "Basic eDp5"]
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/policy", "/v1/content/" + "a" * 64])
def test_wrong_credential_is_refused(world, client, authorization, path):
    method = "POST" if path == "/v1/messages" else "GET"
    response = client.request(
        method, path, json=world.batch(), headers={"authorization": authorization}
    )

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert world.waiting() == 0
