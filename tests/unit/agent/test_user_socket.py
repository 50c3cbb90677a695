"""Who may speak to the agent."""

import os
import socket
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Event, Thread
from time import monotonic

import pytest

from reconciler.agent import user_socket
from reconciler.agent.errors import AgentError
from reconciler.agent.user_socket import PLACE, find_group, listen, may_speak, read_request

GROUP, STRANGER = 12345, 54321


@pytest.fixture
def root():
    """A root that everybody may look into, unlike the folders of tests."""
    path = Path(mkdtemp(prefix="pw-"))
    path.chmod(0o755)
    (path / "etc").mkdir()
    (path / "etc/group").write_text(f"root:x:0:\npatching:x:{GROUP}:ines\nbroken\n")
    yield path
    rmtree(path)


@contextmanager
def connecting(listening, root, *groups):
    """Let a process of another user, in these groups, connect; then give our end of it."""
    child = os.fork()
    if child == 0:
        # No more than this: the child is a copy of the whole test run.
        os.setgroups(list(groups))
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(root / PLACE / "agent.sock"))
            made.recv(1)
        except OSError:
            os._exit(13)
        os._exit(0)
    listening.settimeout(1)
    try:
        peer = listening.accept()[0]
    except TimeoutError:
        peer = None
    if peer is None:
        yield None
    else:
        with peer:
            yield peer
    os.waitpid(child, 0)


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def test_member_of_the_group_may_speak(root):
    with closing(listen(root, "patching")) as listening:
        with connecting(listening, root, GROUP) as peer:
            assert may_speak(peer, GROUP)
        assert ((root / PLACE / "agent.sock").stat().st_mode & 0o777) == 0o660


def test_stranger_cannot_even_connect(root):
    with (
        closing(listen(root, "patching")) as listening,
        connecting(listening, root, GROUP + 1) as peer,
    ):
        assert peer is None


def test_stranger_is_refused_where_the_file_lets_him_connect(root):
    with closing(listen(root, "")) as listening:
        (root / PLACE / "agent.sock").chmod(0o666)
        with connecting(listening, root, GROUP + 1) as peer:
            assert not may_speak(peer, GROUP)
        with connecting(listening, root, GROUP) as peer:
            assert not may_speak(peer, None)


def test_who_drips_is_let_go_in_time(monkeypatch):
    monkeypatch.setattr(user_socket, "_PATIENCE", 0.3)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        over = Event()

        def drip():
            while not over.wait(0.05):
                with suppress(OSError):
                    theirs.send(b" ")

        thread = Thread(target=drip)
        thread.start()
        began = monotonic()
        try:
            with pytest.raises((AgentError, OSError)):
                read_request(ours)
        finally:
            over.set()
            thread.join()
        assert monotonic() - began < 2


def test_group_is_named_or_numbered(root):
    assert find_group(root, "patching") == GROUP
    assert find_group(root, "7") == 7
    with pytest.raises(AgentError, match="does not exist"):
        find_group(root, "nobody-knows")
