import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from reconciler.server.policies import make_current
from tests.server.world import HOUR, NOW, a_policy, read_policy


def fetch(client, etag="", wait=0):
    headers = {"if-none-match": etag} if etag else {}
    return client.get(f"/v1/policy?wait={wait}", headers=headers)


def test_policy_is_signed_and_stamped(world, client):
    policy = read_policy(fetch(client), world.signer.public_key)

    assert policy.computer == world.computer
    assert (policy.issued_at, policy.expires_at) == (NOW, NOW + HOUR)
    assert policy.version == world.store.policy_version()


def test_known_policy_is_not_sent_again(client):
    first = fetch(client)
    second = fetch(client, first.headers["etag"])

    assert (first.status_code, second.status_code) == (200, 304)
    assert second.headers["etag"] == first.headers["etag"]
    assert second.content == b""


def test_changed_policy_has_another_etag_and_a_higher_version(world, client):
    first = fetch(client)
    world.set_fact("enforce", "yes")
    second = fetch(client, first.headers["etag"])

    before, after = (read_policy(r, world.signer.public_key) for r in (first, second))
    assert (before.enforce, after.enforce) == (False, True)
    assert after.version > before.version


def test_version_that_changes_nothing_here_keeps_the_etag(world, client):
    first = fetch(client)
    world.set_fact("colour", "blue")

    assert fetch(client, first.headers["etag"]).status_code == 304


def test_policy_is_renewed_every_half_of_its_lifetime(world, client):
    etag, renewals = fetch(client).headers["etag"], 0
    for _ in range(120):
        world.clock.time += timedelta(minutes=1)
        response = fetch(client, etag)
        etag, renewals = response.headers["etag"], renewals + (response.status_code == 200)

    assert renewals == 4


@given(st.integers(0, 3600 * 24 * 365), st.integers(60, 86_400))
def test_etag_changes_within_half_a_lifetime(offset, seconds):
    lifetime = timedelta(seconds=seconds)
    now = NOW + timedelta(seconds=offset)
    policy = a_policy("c1", now)
    current = make_current(policy, 1, now, lifetime)

    assert timedelta(0) < current.renew_in <= lifetime / 2
    just_before = now + current.renew_in - timedelta(microseconds=1)
    assert make_current(policy, 2, just_before, lifetime).etag == current.etag
    assert make_current(policy, 1, now + current.renew_in, lifetime).etag != current.etag


@pytest.mark.parametrize("wait", ["61", "-1", "x", "1.5", "", "999999999999"])
def test_wait_must_be_a_number_of_seconds_up_to_sixty(client, wait):
    response = client.get(f"/v1/policy?wait={wait}")

    assert response.status_code == 400
    assert response.json()["hint"] == "from 0 to 60"


def test_above_the_limit_waiters_are_sent_away(world):
    with TestClient(world.make_app(max_waiters=0), headers=world.headers) as client:
        etag = fetch(client).headers["etag"]
        response = fetch(client, etag, wait=60)

        assert response.status_code == 503
        assert response.headers["retry-after"] == "30"
        assert fetch(client, etag).status_code == 304


def test_policy_is_renewed_while_an_agent_waits(world):
    app = world.make_app(policy_lifetime=timedelta(milliseconds=200))
    with TestClient(app, headers=world.headers) as client, ThreadPoolExecutor(1) as pool:
        etag = fetch(client).headers["etag"]
        began = time.monotonic()
        waiting = pool.submit(fetch, client, etag, wait=10)
        time.sleep(0.3)
        world.clock.time += timedelta(milliseconds=100)

        assert waiting.result().status_code == 200
        assert time.monotonic() - began < 5


def test_retired_computer_gets_no_policy(world, client):
    with world.store.write() as work:
        work.computers.retire(world.computer, NOW)

    assert fetch(client).status_code == 401
