"""The local socket through which users speak to the agent: who may, and how much.

One connection carries one request and one answer, each one line of JSON. Root may speak, and
members of the group that the machine's administrator names.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Optional, TypeVar

from reconciler.agent.errors import AgentError
from reconciler.agent.home import read_bounded
from reconciler.agent.users import Reply, Request
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import decode, encode

PLACE = Path("run/patchwright")
_NAME = "agent.sock"
_REQUEST_LIMIT, _REPLY_LIMIT = 4096, 4 * 1024 * 1024
_PATIENCE, _LONG_PATIENCE = 2.0, 15.0
_SHORTEST = 0.001  # a limit of 0 would mean not to wait at all
_PEER_GROUPS = 59  # SO_PEERGROUPS of Linux, which Python does not name
_MOST_GROUPS = 256
_WAITING = 8
_GROUPS_FILE = "etc/group"
T = TypeVar("T")


def listen(root: Path, group: str) -> socket.socket:
    """Open the socket anew, for root and the group (none if empty); raises AgentError."""
    number = find_group(root, group) if group else None
    folder = root / PLACE
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    (folder / _NAME).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_path(folder) as path:
        # Nobody may connect before it has its owner.
        before = os.umask(0o177)
        try:
            made.bind(path)
        finally:
            os.umask(before)
    if number is not None:
        os.chown(folder / _NAME, -1, number)
        (folder / _NAME).chmod(0o660)
    made.listen(_WAITING)
    return made


def find_group(root: Path, name: str) -> int:
    """Give the number of a group of this root; raises AgentError."""
    if name.isascii() and name.isdigit():
        return int(name)
    try:
        lines = read_bounded(root / _GROUPS_FILE, _REPLY_LIMIT).decode(errors="replace")
    except (OSError, ValueError):
        lines = ""
    for line in lines.splitlines():
        found, _, rest = line.partition(":")
        number = rest.split(":")[1:2]
        if found == name and number and number[0].isdigit():
            return int(number[0])
    raise AgentError(
        f"the group {name!r:.80} of agent.json does not exist",
        hint=f"make it with `groupadd {name}`, or give its number",
    )


def may_speak(peer: socket.socket, group: Optional[int]) -> bool:
    """Tell whether the process at the other end is root's, ours, or of the group."""
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, own_group = struct.unpack("3i", credentials)
    if user in {0, os.geteuid()}:
        return True
    return group is not None and group in {own_group, *_further_groups(peer)}


def _further_groups(peer: socket.socket) -> tuple[int, ...]:
    """Give the groups of the process at the other end; none where it is in too many to ask for."""
    try:
        raw = peer.getsockopt(socket.SOL_SOCKET, _PEER_GROUPS, 4 * _MOST_GROUPS)
    except OSError:
        return ()
    return struct.unpack(f"{len(raw) // 4}I", raw)


def read_request(peer: socket.socket) -> Request:
    """Read one request; raises AgentError where it is none, or too long, or slow."""
    return _decode(Request, _read_line(peer, _REQUEST_LIMIT, _PATIENCE), "the request")


def send_reply(peer: socket.socket, reply: Reply) -> None:
    """Answer; raises OSError."""
    peer.settimeout(_PATIENCE)
    peer.sendall(canonical_json(encode(reply)) + b"\n")


def ask(root: Path, request: Request) -> Reply:
    """Ask the agent that runs on this root; raises AgentError where none answers."""
    hint = "is it running? `systemctl status patchwright-agent`"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.settimeout(_LONG_PATIENCE)
        try:
            with short_path(root / PLACE) as path:
                made.connect(path)
            made.sendall(canonical_json(encode(request)) + b"\n")
            line = _read_line(made, _REPLY_LIMIT, _LONG_PATIENCE)
        except PermissionError as error:
            raise AgentError(
                "you may not speak to the agent", hint="ask for the group of its userGroup setting"
            ) from error
        except OSError as error:
            raise AgentError(f"no agent answers: {error.strerror or error}", hint=hint) from error
    return _decode(Reply, line, "the agent's answer")


@contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """Name the socket by a path that is short enough for one, wherever the root lies."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{opened}/{_NAME}"
    finally:
        os.close(opened)


def _read_line(peer: socket.socket, limit: int, patience: float) -> bytes:
    """Read within so many seconds in all: the socket's own limit starts anew with every byte."""
    content, until = b"", time.monotonic() + patience
    while not content.endswith(b"\n"):
        peer.settimeout(max(_SHORTEST, until - time.monotonic()))
        chunk = peer.recv(min(65536, limit + 1 - len(content)))
        if not chunk:
            break
        content += chunk
        if time.monotonic() > until:
            raise AgentError("what was sent took too long")
        if len(content) > limit:
            raise AgentError(f"more than {limit} bytes were sent")
    return content


def _decode(kind: type[T], line: bytes, what: str) -> T:
    try:
        return decode(kind, json.loads(line))
    except (ValueError, RecursionError) as error:
        raise AgentError(f"{what} cannot be read: {error}") from error
