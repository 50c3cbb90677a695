"""How a machine becomes a computer of a site (L1)."""

from __future__ import annotations

import uuid
from pathlib import Path

from reconciler.agent.client import Site
from reconciler.agent.errors import AgentError
from reconciler.agent.home import Home, Identity, Settings, read_bounded
from reconciler.model.ids import sha256_hex
from reconciler.model.messages import EnrolRequest

_TOKEN_LIMIT = 4096
# The machine's id itself is nobody else's business; this is what systemd asks applications for.
_HARDWARE_DOMAIN = "patchwright.dev/hardware/v1\n"


def enrol_machine(
    home: Home, root: Path, settings: Settings, token_file: Path, name: str
) -> Identity:
    """Spend the token; what an earlier identity left is forgotten. Raises ReconcilerError."""
    request = EnrolRequest(_read_token(token_file), name.lower(), _read_hardware_id(root))
    site = Site(settings.server, settings.ca)
    try:
        reply = site.enrol(request)
    finally:
        site.close()
    identity = Identity(reply.computer, reply.credential, reply.site, reply.public_key, name)
    home.forget_state()
    home.save_settings(settings)
    home.save_identity(identity)
    return identity


def _read_token(path: Path) -> str:
    try:
        token = read_bounded(path, _TOKEN_LIMIT).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise AgentError(
            f"cannot read a token from {path}: {error}", hint="ask the site's operator for one"
        ) from error
    if not token:
        raise AgentError(f"{path} is empty", hint="it must hold a one-time token")
    return token


def _read_hardware_id(root: Path) -> str:
    try:
        machine = read_bounded(root / "etc/machine-id", _TOKEN_LIMIT).decode("ascii").strip()
    except (OSError, ValueError):
        machine = ""
    return sha256_hex((_HARDWARE_DOMAIN + (machine or uuid.uuid4().hex)).encode())
