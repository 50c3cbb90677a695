"""A small site: a store, a depot, a clock that stands still, and a simple policy."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reconciler.engine.permits import PermitDesk
from reconciler.model.codec import decode, encode
from reconciler.model.ids import sha256_hex
from reconciler.model.messages import Batch
from reconciler.model.policy import POLICY_DOMAIN, Policy, ScanOrder, Windows
from reconciler.model.times import UTC
from reconciler.server.app import make_app
from reconciler.server.settings import ServerSettings
from reconciler.server.signing import Signer
from reconciler.store import Store, View
from reconciler.store.credentials import TokenTerms

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CREDENTIAL = "the-credential-of-web-01"
TOKEN = "a-token"
HOUR = timedelta(hours=1)


class StillClock:
    """Stands at `time` until it is moved."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time


class FolderDepot:
    """Content in one folder, each file named by its digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def add(self, content: bytes) -> str:
        digest = sha256_hex(content)
        (self._folder / digest).write_bytes(content)
        return digest

    def path_of(self, sha256: str) -> Path | None:
        path = self._folder / sha256
        return path if path.exists() else None


def a_policy(computer: str, now: datetime, *, enforce: bool = False, catalog: int = 0) -> Policy:
    """Make a policy that offers nothing."""
    return Policy(
        computer=computer,
        site="PWR",
        version=0,
        issued_at=now,
        expires_at=now,
        enforce=enforce,
        poll_every=timedelta(minutes=5),
        report_every=timedelta(minutes=15),
        scan=ScanOrder(timedelta(days=1), timedelta(hours=2), (), None, catalog),
        windows=Windows(always=True, updates=(), until=NOW + 24 * HOUR),
        offers=(),
    )


def policy_of(view: View, computer: str, now: datetime) -> Policy:
    """Make a policy that says whether the computer's fact `enforce` is set."""
    found = view.computers.find(computer)
    assert found is not None
    enforce = bool(found.facts.get("enforce", False))
    policy = a_policy(computer, now, enforce=enforce, catalog=view.catalog.version())
    return replace(policy, version=view.policy_version())


def enrol_web(store: Store) -> str:
    """Enrol web-01 with its credential and make a token for one more; give its id."""
    with store.write() as work:
        computer = work.computers.enrol("web-01", "hw-1", NOW)
        work.credentials.save(computer.id, sha256_hex(CREDENTIAL.encode()))
        work.tokens.save(sha256_hex(TOKEN.encode()), NOW, TokenTerms(NOW + HOUR))
    return computer.id


class World:
    """The parts of the site under test."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.headers = {"authorization": f"Bearer {CREDENTIAL}"}
        self.clock = StillClock(NOW)
        self.depot = FolderDepot(folder / "depot")
        self.signer = Signer.load_or_make(folder / "site.key")
        self.computer = enrol_web(store)
        self.app = self.make_app()

    def make_app(self, **changes):
        settings = replace(ServerSettings(site="PWR", enrolments_per_minute=10_000), **changes)
        return make_app(
            self.store,
            self.depot,
            policy_of=policy_of,
            permit_of=PermitDesk(timedelta(seconds=30)).ask,
            signer=self.signer,
            clock=self.clock,
            settings=settings,
        )

    def set_fact(self, name, value):
        with self.store.write() as work:
            computer = work.computers.find(self.computer)
            assert computer is not None
            work.computers.save(replace(computer, facts={name: value}))

    def waiting(self):
        with self.store.read() as view:
            return view.inbox.waiting()

    def batch(self, **changes):
        batch = Batch(self.computer, 1, 1, full=True, sent_at=NOW)
        return encode(replace(batch, **changes))


def read_policy(response, public_key: str) -> Policy:
    """Check the signature as an agent does and give the policy."""
    signed = response.json()
    payload = signed["payload"].encode()
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    key.verify(bytes.fromhex(signed["signature"]), POLICY_DOMAIN + payload)
    return decode(Policy, json.loads(payload))
