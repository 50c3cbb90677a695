"""The files of CustomUpdates, which lie in a folder of their name beside the manifest (E2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from reconciler.desired.state import Placed
from reconciler.kinds.base import Document
from reconciler.kinds.custom_update import ContentFile, CustomUpdate
from reconciler.model.codes import Code
from reconciler.model.ids import sha256_hex
from reconciler.model.problems import Location, Problem
from reconciler.ports import ReadFile

LARGEST_CONTENT = 64 << 20


def check_contents(
    documents: Iterable[Placed[Document]],
    read: ReadFile,
    keep: Callable[[bytes], object] = lambda _: None,
) -> Iterator[Problem]:
    """Tell of content that is absent, too large or not what its digest says; keep the rest."""
    for placed in documents:
        if not isinstance(placed.document, CustomUpdate):
            continue
        for number, file in enumerate(placed.document.spec.content):
            path = str(PurePosixPath(placed.at.path).parent / placed.name / file.path)
            content = read(path, LARGEST_CONTENT)
            at = placed.locate(("spec", "content", number))
            problem = _judge(content, file, path, at)
            if problem is not None:
                yield problem
            elif content is not None:
                keep(content)


def _judge(content: bytes | None, file: ContentFile, path: str, at: Location) -> Problem | None:
    if content is None:
        hint = f"commit it as the regular file {path}"
        message = f"the file {file.path!r:.120} is not in the folder beside the manifest"
        return Problem(at, Code.CONTENT_NOT_FOUND.value, message, hint)
    if len(content) > LARGEST_CONTENT:
        message = f"the file {file.path!r:.120} is larger than 64 MiB"
        hint = "publish large software as packages, and bring these as updates"
        return Problem(at, Code.CONTENT_TOO_LARGE.value, message, hint)
    found = sha256_hex(content)
    if found != file.sha256:
        message = f"the file {file.path!r:.120} has another digest than is written"
        return Problem(at, Code.CONTENT_DIFFERS.value, message, f"look at it, then write {found}")
    return None
