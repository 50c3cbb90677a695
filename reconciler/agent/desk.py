"""Where users' requests wait for the agent: a thread answers, the agent's own one decides."""

from __future__ import annotations

import queue
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Optional

from reconciler.agent.errors import AgentError
from reconciler.agent.log import Log
from reconciler.agent.user_socket import find_group, listen, may_speak, read_request, send_reply
from reconciler.agent.users import PENDING, Reply, Request

_MOST_WAITING = 16
_ANSWER_WITHIN = 5.0


@dataclass
class Question:
    """A request that waits for its answer."""

    request: Request
    answer: Optional[Reply] = None
    answered: Event = field(default_factory=Event)


class Desk:
    """Takes requests while it is open; `show` says what is pending, `wake` calls the agent."""

    def __init__(
        self, root: Path, group: str, show: Callable[[], Reply], wake: Callable[[], None], log: Log
    ) -> None:
        self._root = root
        self._group = group
        self._show = show
        self._wake = wake
        self._log = log
        self._waiting: queue.Queue[Question] = queue.Queue(_MOST_WAITING)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Answer users until the block ends; raises AgentError where the socket cannot be made."""
        group = find_group(self._root, self._group) if self._group else None
        try:
            listening = listen(self._root, self._group)
        except OSError as error:
            raise AgentError(f"cannot listen for users: {error}") from error
        thread = Thread(target=self._serve, args=(listening, group), name="desk", daemon=True)
        thread.start()
        try:
            yield
        finally:
            # A thread that accepts does not notice that its socket is closed.
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            thread.join(_ANSWER_WITHIN)

    def questions(self) -> Iterator[Question]:
        """Give those that wait; whoever takes one answers it."""
        # Nobody else takes any, so what is there now is there in a moment.
        while not self._waiting.empty():
            yield self._waiting.get_nowait()

    def _serve(self, listening: socket.socket, group: Optional[int]) -> None:
        while (peer := _accept(listening)) is not None:
            with peer:
                self._answer(peer, group)

    def _answer(self, peer: socket.socket, group: Optional[int]) -> None:
        """Answer one user; nobody who is slow, or sends anything at all, stops the desk."""
        try:
            if not may_speak(peer, group):
                send_reply(peer, Reply("you may not speak to the agent", "ask for its group"))
                return
            send_reply(peer, self._find_answer(read_request(peer)))
        except AgentError as error:
            with suppress(OSError):
                send_reply(peer, Reply(str(error), error.hint))
        except OSError as error:
            self._log.debug("user not answered", problem=error)

    def _find_answer(self, request: Request) -> Reply:
        if request.ask == PENDING:
            return self._show()
        question = Question(request)
        try:
            self._waiting.put_nowait(question)
        except queue.Full:
            return Reply("too many requests wait already", "try again in a minute")
        self._wake()
        if question.answered.wait(_ANSWER_WITHIN) and question.answer is not None:
            return question.answer
        return Reply(taken="a run is under way; this is looked at when it has ended")


def _accept(listening: socket.socket) -> Optional[socket.socket]:
    """Wait for the next user; nothing when the desk is closed."""
    try:
        return listening.accept()[0]
    except OSError:
        return None
