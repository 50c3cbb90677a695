from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reconciler.agent.clock import SiteClock
from reconciler.agent.errors import PolicyRefusedError
from reconciler.agent.home import Identity
from reconciler.agent.trust import verify_policy
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from reconciler.model.policy import POLICY_DOMAIN, SignedPolicy
from tests.unit.agent.test_due import NOW, POLICY

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
IDENTITY = Identity("c-1", "secret", "BAR", PUBLIC, "web-1")
HOUR = timedelta(hours=1)


def signed(payload, domain=POLICY_DOMAIN):
    return SignedPolicy(payload.decode(), KEY.sign(domain + payload).hex())


def payload_of(**changes):
    return canonical_json(encode(replace(POLICY, **changes)))


def test_own_policy_is_taken_again_and_again():
    policy = verify_policy(signed(payload_of()), IDENTITY, None, None)

    assert policy == POLICY
    assert verify_policy(signed(payload_of()), IDENTITY, policy, NOW) == POLICY


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param(signed(payload_of(), b""), "wrongSignature", id="other-domain"),
        pytest.param(SignedPolicy("{}", "zz"), "wrongSignature", id="no-hex"),
        pytest.param(
            replace(signed(payload_of()), payload=payload_of(enforce=False).decode()),
            "wrongSignature",
            id="changed",
        ),
        pytest.param(signed(b"{}"), "malformed", id="no-policy"),
        pytest.param(signed(payload_of(computer="c-2")), "otherComputer", id="other-computer"),
        pytest.param(signed(payload_of(site="XYZ")), "otherSite", id="other-site"),
        pytest.param(signed(payload_of(version=0)), "rolledBack", id="older-version"),
        pytest.param(
            signed(payload_of(issued_at=NOW - HOUR)), "rolledBack", id="same-version-issued-before"
        ),
        pytest.param(signed(payload_of(expires_at=NOW)), "expired", id="expired"),
    ],
)
def test_policy_is_refused(given, reason):
    with pytest.raises(PolicyRefusedError) as caught:
        verify_policy(given, IDENTITY, POLICY, None)

    assert caught.value.reason == reason


def test_late_policy_is_expired_by_the_time_that_is_known():
    with pytest.raises(PolicyRefusedError, match="expired"):
        verify_policy(signed(payload_of()), IDENTITY, None, POLICY.expires_at)


def test_clock_runs_by_the_site_and_not_by_who_steps_it():
    local, steady = [datetime(2001, 1, 1, tzinfo=UTC)], [100.0]
    clock = SiteClock(timedelta(0), lambda: local[0], lambda: steady[0])
    ahead = clock.set(NOW)
    local[0] += timedelta(days=1)
    steady[0] += 60

    assert clock.now() == NOW + timedelta(minutes=1)
    later = SiteClock(ahead, lambda: local[0] - timedelta(days=1), lambda: steady[0])
    assert later.now() == NOW
