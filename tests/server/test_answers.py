import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from reconciler.server.metrics import REASONS, Metrics
from tests.server.world import TOKEN

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


def metric(client, name, **labels):
    text = client.get("/metrics", headers={"authorization": ""}).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return 0


def test_health_needs_no_credential(client):
    response = client.get("/healthz", headers={"authorization": ""})

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_site_without_its_database_says_so_and_keeps_running(world, client):
    kept = world.store.path.read_bytes()
    world.store.close()
    world.store.path.write_bytes(b"gone" * 1000)
    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "10"
    assert "site.db" not in response.text
    world.store.close()
    world.store.path.write_bytes(kept)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/v1/enrol", 405), ("DELETE", "/v1/policy", 405)],
)
def test_what_is_not_served_is_answered_in_json(client, method, path, status):
    response = client.request(method, path)

    assert response.status_code == status
    assert set(response.json()) == {"error", "hint"}


def test_refusals_are_counted_by_reason(client):
    client.post("/v1/messages", content=b"{", headers={"content-type": "application/json"})
    client.get("/v1/policy", headers={"authorization": "Bearer no"})

    refused = "patchwright_http_refused_total"
    assert metric(client, refused, route="receive_messages", reason="malformed") == 1
    assert metric(client, refused, route="give_policy", reason="unknown_speaker") == 1


def test_answers_and_inbox_are_counted(world, client):
    client.post("/v1/messages", json=world.batch())
    client.get("/v1/policy")

    assert metric(client, "patchwright_http_requests_total", route="give_policy", status="200") == 1
    assert metric(client, "patchwright_inbox_waiting") == 1
    assert metric(client, "patchwright_policy_signing_seconds_count") == 1


def test_no_secret_is_logged(client, capsys):
    client.post("/v1/enrol", json={"token": "hunter2-token", "name": "a", "hardwareId": "h"})
    client.get("/v1/policy", headers={"authorization": "Bearer hunter2-credential"})
    client.post("/v1/enrol", json={"token": TOKEN, "name": "db-9", "hardwareId": "h"})

    written = capsys.readouterr()
    logged = written.out + written.err
    assert "refused" in logged
    assert "hunter2" not in logged
    assert TOKEN not in logged


def test_every_metric_and_reason_is_documented():
    documented = set(re.findall(r"^\| `([a-z_]+)`", DOCUMENT.read_text(), re.MULTILINE))
    names = set()
    for family in Metrics(lambda: 0).registry.collect():
        names.add(f"{family.name}_total" if family.type == "counter" else family.name)

    assert documented == names | set(REASONS.values()) | {"other"}


@SHARED
@given(
    path=st.sampled_from(["/v1/enrol", "/v1/messages"]),
    body=st.binary(max_size=300),
    kind=st.sampled_from(["application/json", "application/json;charset=utf-8", "x", ""]),
    encoding=st.sampled_from(["", "identity", "gzip", "br"]),
)
def test_random_bodies_are_refused_cleanly(client, path, body, kind, encoding):
    headers = {"content-type": kind} | ({"content-encoding": encoding} if encoding else {})
    response = client.post(path, content=body, headers=headers)

    assert 400 <= response.status_code < 500
    assert response.json()["error"]


@SHARED
@given(data=st.data())
def test_damaged_batches_are_never_a_fault_of_the_server(world, client, data):
    batch = world.batch()
    field = data.draw(st.sampled_from(sorted(batch)))
    batch[field] = data.draw(json_values)
    response = client.post(
        "/v1/messages",
        content=dump(batch),
        headers={"content-type": "application/json"},
    )

    assert response.status_code < 500


@SHARED
@given(value=json_values, field=st.sampled_from(["token", "name", "hardwareId"]))
def test_damaged_enrolments_are_never_a_fault_of_the_server(world, value, field):
    asked = {"token": TOKEN, "name": "db", "hardwareId": "h"} | {field: value}
    with TestClient(world.app, raise_server_exceptions=False) as client:
        response = client.post(
            "/v1/enrol", content=dump(asked), headers={"content-type": "application/json"}
        )

    assert response.status_code < 500


@SHARED
@given(
    authorization=header_values,
    etag=header_values,
    span=header_values,
    wait=st.sampled_from(["0", "x", "-1"]),
)
def test_random_headers_are_never_a_fault_of_the_server(client, authorization, etag, span, wait):
    headers = {"authorization": authorization, "if-none-match": etag, "range": span}
    for path in (f"/v1/policy?wait={wait}", "/v1/content/" + "0" * 64, "/healthz"):
        assert client.get(path, headers=headers).status_code < 500


def dump(value):
    return json.dumps(value).encode()
