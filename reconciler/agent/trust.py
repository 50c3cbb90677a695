"""Which policies are taken (design decision 6, trust)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Optional

from reconciler.agent.errors import PolicyRefusedError
from reconciler.agent.home import Identity
from reconciler.model.codec import decode
from reconciler.model.policy import POLICY_DOMAIN, Policy, SignedPolicy


def verify_policy(
    signed: SignedPolicy, identity: Identity, last: Optional[Policy], now: Optional[datetime]
) -> Policy:
    """Give the policy if it is our site's, for us, not older than the last, and in force.

    `now` is the site's time as far as it is known, else nothing. Raises PolicyRefusedError.
    """
    policy = read_policy(signed, identity.public_key)
    _check_addressee(policy, identity)
    if last is not None and (policy.version, policy.issued_at) < (last.version, last.issued_at):
        raise PolicyRefusedError(
            "rolledBack",
            f"version {policy.version} is older than version {last.version}, which was taken",
        )
    if policy.expires_at <= (now or policy.issued_at):
        raise PolicyRefusedError("expired", f"it expired at {policy.expires_at.isoformat()}")
    return policy


def read_policy(signed: SignedPolicy, public_key: str) -> Policy:
    """Give what the site signed; raises PolicyRefusedError where it did not sign this."""
    _check_signature(signed, public_key)
    try:
        return decode(Policy, json.loads(signed.payload))
    except ValueError as error:
        raise PolicyRefusedError("malformed", f"the payload cannot be read: {error}") from error


def _check_addressee(policy: Policy, identity: Identity) -> None:
    if policy.computer != identity.computer:
        raise PolicyRefusedError("otherComputer", f"it is for the computer {policy.computer!r}")
    if policy.site != identity.site:
        raise PolicyRefusedError("otherSite", f"it is of the site {policy.site!r}")


def _check_signature(signed: SignedPolicy, public_key: str) -> None:
    # Imported here, so that a machine without the library can still scan by itself.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signed.signature), POLICY_DOMAIN + signed.payload.encode())
    except (InvalidSignature, ValueError) as error:
        raise PolicyRefusedError("wrongSignature", "it is not signed by our site") from error
