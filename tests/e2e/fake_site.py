"""A site that does only what an agent sees of one: speaks the protocol, signs, keeps messages."""

import json
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import run
from threading import Event, Thread

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reconciler.model.canonical import canonical_json
from reconciler.model.codec import decode, encode
from reconciler.model.ids import sha256_hex
from reconciler.model.messages import Batch, BatchReply, EnrolReply, EnrolRequest, FactValue
from reconciler.model.objects import ContentFile, PackageManifest
from reconciler.model.orders import RunOrder, UserRights
from reconciler.model.permits import PermitReply
from reconciler.model.policy import (
    POLICY_DOMAIN,
    Offer,
    OfferedUpdate,
    Policy,
    ScanOrder,
    SignedPolicy,
    Windows,
)
from reconciler.model.updates import CatalogSlice, SliceUpdate

TOKEN = "one-time-token"
COMPUTER = "c-0001"
CREDENTIAL = "the-credential-of-c-0001"


def make_offer(content: str, *updates: OfferedUpdate, **changes) -> Offer:
    now = datetime.now(UTC)
    offer = Offer(
        advertisement="LAB00002",
        rollout="september",
        release=1,
        phase="reference",
        program="install",
        package="LAB00001",
        version=1,
        available_at=now - timedelta(hours=1),
        mandatory_at=now - timedelta(minutes=30),
        recurrence=timedelta(hours=2),
        held=False,
        max_runtime=timedelta(minutes=5),
        updates=updates,
        manifest=content,
        order=RunOrder(user=UserRights(available=False, postpone=False)),
    )
    return replace(offer, **changes)


class FakeSite:
    """What a test changes (policy, content, trouble) and what it looks at (batches)."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.content: dict[str, bytes] = {}
        self.batches: list[Batch] = []
        self.ranges: list[str] = []
        self.tokens = {TOKEN}
        self.is_down = False
        self.permit = PermitReply(granted=False)
        self.break_off: dict[str, int] = {}
        self.manifest = ""
        self.forged: SignedPolicy | None = None
        self.resync_once = False
        self.policy = Policy(
            computer=COMPUTER,
            site="LAB",
            version=1,
            issued_at=datetime.now(UTC),
            expires_at=datetime.now(UTC),
            enforce=True,
            poll_every=timedelta(seconds=5),
            report_every=timedelta(minutes=15),
            scan=ScanOrder(
                every=timedelta(hours=12),
                first_within=timedelta(0),
                asked=(),
                catalog=None,
                content_version=0,
            ),
            windows=Windows(always=True, updates=(), until=datetime.now(UTC)),
            offers=(),
        )
        self._changed = Event()

    @property
    def public_key(self) -> str:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return raw.hex()

    def put(self, content: bytes) -> str:
        digest = sha256_hex(content)
        self.content[digest] = content
        return digest

    def set_policy(self, **changes) -> None:
        self.policy = replace(self.policy, version=self.policy.version + 1, **changes)
        self._changed.set()

    def set_catalog(self, *updates: SliceUpdate, release: str = "debian-12") -> None:
        version = self.policy.scan.content_version + 1
        digest = self.put(canonical_json(encode(CatalogSlice(release, version, updates))))
        order = replace(self.policy.scan, catalog=digest, content_version=version)
        self.set_policy(scan=order)

    def capture(self, *debs: Path, package: str = "LAB00001", version: int = 1) -> str:
        """Keep the .debs with an index of them, and give the digest of their manifest."""
        index = "".join(_index(deb) for deb in debs).encode()
        contents = {"Packages": index, **{deb.name: deb.read_bytes() for deb in debs}}
        files = tuple(
            ContentFile(name, self.put(content), len(content)) for name, content in contents.items()
        )
        return self.put(canonical_json(encode(PackageManifest(package, version, files))))

    def content_files(self, manifest: str) -> tuple[ContentFile, ...]:
        """The files that a manifest of ours lists."""
        return decode(PackageManifest, json.loads(self.content[manifest])).files

    def facts(self) -> dict[str, FactValue]:
        """The facts that were told last."""
        return [batch.facts.facts for batch in self.batches if batch.facts is not None][-1]

    def sign(self, policy: Policy) -> SignedPolicy:
        payload = canonical_json(encode(policy))
        return SignedPolicy(payload.decode(), self.key.sign(POLICY_DOMAIN + payload).hex())

    def sign_now(self, lifetime: timedelta = timedelta(hours=1)) -> SignedPolicy:
        now = datetime.now(UTC)
        return self.sign(replace(self.policy, issued_at=now, expires_at=now + lifetime))

    def statuses(self) -> list[tuple[int, str]]:
        return [(status.id, status.reason) for batch in self.batches for status in batch.statuses]

    def details(self) -> str:
        return "\n".join(status.detail for batch in self.batches for status in batch.statuses)

    def states(self) -> dict[str, str]:
        """What a server holds of the updates after all batches."""
        held: dict[str, str] = {}
        for batch in self.batches:
            if batch.scan is not None and batch.scan.outcome == "completed":
                held = {} if batch.full else held
                held |= {id_: state.value for id_, state in batch.scan.changes.items()}
        return {id_: state for id_, state in held.items() if state != "notApplicable"}

    def accept(self, batch: Batch) -> BatchReply:
        marks = [(known.epoch, known.serial) for known in self.batches]
        epoch, serial = marks[-1] if marks else (0, 0)
        if self.resync_once:
            self.resync_once = False
            return BatchReply(batch.epoch + 5, 1, accepted=False, resync=True)
        is_next = (batch.epoch, batch.serial) == (epoch, serial + 1)
        if is_next or (batch.full and (batch.epoch, batch.serial) > (epoch, serial)):
            self.batches.append(batch)
            return BatchReply(batch.epoch, batch.serial, accepted=True, resync=False)
        return BatchReply(epoch, serial, accepted=False, resync=batch.serial > serial)

    def wait_for_policy(self, etag: str, seconds: int) -> str:
        until = time.monotonic() + seconds
        while f'"{self.policy.version}"' == etag and time.monotonic() < until:
            self._changed.wait(0.1)
            self._changed.clear()
        return f'"{self.policy.version}"'


@contextmanager
def serve_site(site: FakeSite, port: int = 0):
    """Yield the URL of the site."""
    handler = type("Handler", (_Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    site: FakeSite
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self._refuses():
            return
        path, _, query = self.path.partition("?")
        if path == "/v1/policy":
            self._answer_policy(int(query.partition("=")[2] or 0))
        else:
            self._answer_content(path.rpartition("/")[2])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/enrol":
            self._enrol(decode(EnrolRequest, body))
        elif self._refuses():
            return
        elif self.path == "/v1/permits":
            self._answer(200, encode(self.site.permit))
        else:
            self._answer(202, encode(self.site.accept(decode(Batch, body))))

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _refuses(self) -> bool:
        if self.site.is_down:
            self._answer(503, {"error": "down", "hint": ""}, {"Retry-After": "1"})
        elif self.headers["Authorization"] != f"Bearer {CREDENTIAL}":
            self._answer(401, {"error": "unknown credential", "hint": ""})
        else:
            return False
        return True

    def _enrol(self, request: EnrolRequest) -> None:
        if request.token not in self.site.tokens:
            self._answer(401, {"error": "the token is not valid", "hint": "ask for another"})
            return
        self.site.tokens.remove(request.token)
        reply = EnrolReply(COMPUTER, CREDENTIAL, "LAB", self.site.public_key)
        self._answer(201, encode(reply))

    def _answer_policy(self, wait: int) -> None:
        etag = self.site.wait_for_policy(self.headers["If-None-Match"] or "", wait)
        if self.site.forged is not None:
            self._answer(200, encode(self.site.forged), {"ETag": '"forged"'})
        elif etag == self.headers["If-None-Match"]:
            self._answer(304)
        else:
            self._answer(200, encode(self.site.sign_now()), {"ETag": etag})

    def _answer_content(self, digest: str) -> None:
        content = self.site.content.get(digest)
        if content is None:
            self._answer(404, {"error": "no such content", "hint": ""})
            return
        begin = 0
        if wanted := self.headers["Range"]:
            self.site.ranges.append(wanted)
            begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        stop = self.site.break_off.pop(digest, None)
        self.wfile.write(content[begin:stop])
        if stop is not None:
            self.close_connection = True

    def _answer(
        self, status: int, value: object = None, headers: dict[str, str] | None = None
    ) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # an agent may be killed while it waits
            self.wfile.write(body)


def _index(deb: Path) -> str:
    done = run(
        ["apt-ftparchive", "packages", deb.name],
        cwd=deb.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip() + "\n\n"
