"""What the environment tells of a pull request, and the token for its forge."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.request import getproxies

from reconciler.forges.client import Client
from reconciler.forges.pull_request import PullRequest, complete, detect
from reconciler.forges.shapes import shape_of
from reconciler.model.errors import ForgeError

OWN_VARIABLE = "PATCHWRIGHT_FORGE_TOKEN"
_LONGEST_TOKEN = 8192


def find_pull_request(given: PullRequest) -> PullRequest:
    """Complete what is given by hand with what the CI tells; raises ForgeError."""
    return complete(detect(os.environ), given)


def find_token(found: PullRequest, file: Path | None) -> str:
    """Read the token from a file or a variable; nothing where there is none."""
    if file is not None:
        return _checked(_read(file))
    names = (OWN_VARIABLE, shape_of(found).token_variable)
    return _checked(next((os.environ[one] for one in names if os.environ.get(one)), ""))


def make_client(found: PullRequest, token: str) -> Client:
    """Wire the client that speaks to the forge."""
    return Client(found.api, shape_of(found).headers(token), proxies=getproxies())


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as stream:
            return stream.read(_LONGEST_TOKEN)
    except (OSError, UnicodeDecodeError) as error:
        raise ForgeError(f"{file}: the token cannot be read") from error


def _checked(text: str) -> str:
    token = text.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ForgeError("the token is not one line of text", hint="write the token and no more")
    return token
