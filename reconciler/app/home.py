"""A site's folder: settings, keys, certificates, database and content."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from reconciler.app.certificates import make_authority, make_server_certificate
from reconciler.app.settings import SETTINGS_FILE, Settings, load_settings, render_settings
from reconciler.model.errors import SettingsError
from reconciler.model.ids import sha256_hex
from reconciler.ports import Clock
from reconciler.store import Store
from reconciler.store.credentials import TokenTerms

TOKEN_LIFETIME = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one site below its folder."""

    folder: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "patchwright.db"

    @property
    def content(self) -> Path:
        """Captured files by digest."""
        return self.folder / "content"

    @property
    def mirror(self) -> Path:
        """The mirror of the source repository."""
        return self.folder / "source"

    @property
    def policy_key(self) -> Path:
        """The key that signs policies."""
        return self.folder / "keys" / "policy.pem"

    @property
    def authority(self) -> Path:
        """The certificate of the site's own authority, for agents' `--ca`."""
        return self.folder / "keys" / "ca.pem"

    @property
    def certificate(self) -> Path:
        """The server's certificate; an operator may put another one in its place."""
        return self.folder / "keys" / "server.pem"

    @property
    def certificate_key(self) -> Path:
        """The key of the server's certificate."""
        return self.folder / "keys" / "server.key"

    def settings(self) -> Settings:
        """Read the site's settings."""
        return load_settings(self.folder)

    def open_store(self) -> Store:
        """Open the database with its tables up to date."""
        if not self.folder.is_dir():
            hint = f"make a site with `patchwright site init {self.folder}`"
            raise SettingsError(f"{self.folder} is not a site's folder", hint=hint)
        store = Store(self.database)
        store.migrate()
        return store

    @contextmanager
    def control(self) -> Iterator[str]:
        """Be the only controller on this host while inside; gives the lease owner's name.

        The lock goes with the process, so that after a crash the next one begins at once. The
        database's lease keeps out controllers on other hosts.
        """
        with (self.folder / "control.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                hint = "stop the other `patchwright run` or `apply` first"
                raise SettingsError(
                    f"{self.folder} is in use by another process", hint=hint
                ) from error
            yield f"{socket.gethostname()}:{self.folder.resolve()}"


def make_home(folder: Path, settings: Settings) -> Home:
    """Make a new site; SettingsError where there is one already."""
    home = Home(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if any(folder.iterdir()):
            raise SettingsError(f"{folder} is not empty", hint="name a new or an empty folder")
        (folder / "keys").mkdir(mode=0o700)
        authority = make_authority(settings.name)
        home.authority.write_bytes(authority.certificate_pem)
        _write_secret(folder / "keys" / "ca.key", authority.key_pem)
        server = make_server_certificate(authority, settings.server.host)
        home.certificate.write_bytes(server.certificate_pem)
        _write_secret(home.certificate_key, server.key_pem)
        (folder / SETTINGS_FILE).write_text(render_settings(settings))
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}") from error
    home.open_store().close()
    return home


def make_token(  # noqa: PLR0913  # each is one of its terms
    store: Store,
    clock: Clock,
    made_by: str,
    *,
    uses: int = 1,
    lifetime: timedelta = TOKEN_LIFETIME,
    collection: str = "",
) -> str:
    """Make an enrolment token (L1), for one machine and a day by default; its digest is kept."""
    token = secrets.token_urlsafe(24)
    now = clock.now()
    terms = TokenTerms(now + lifetime, uses, collection)
    with store.write() as work:
        work.tokens.save(sha256_hex(token.encode()), now, terms, made_by)
    return token


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
