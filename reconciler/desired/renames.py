"""Documents that say which name they had before (S23)."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.desired.state import BY_KIND, DesiredState, Placed
from reconciler.desired.words import word_for
from reconciler.kinds.base import Document
from reconciler.model.codes import Code
from reconciler.model.ids import LABEL
from reconciler.model.problems import Problem

RENAMED_FROM = "patchwright.dev/renamed-from"


def former_name(placed: Placed[Document]) -> str | None:
    """Give the name that a document had before, if it says one."""
    return placed.document.metadata.annotations.get(RENAMED_FROM)


def check_renames(state: DesiredState) -> Iterator[Problem]:
    """Tell of names that cannot have been given up: each goes to one document, and is free."""
    for kind in BY_KIND:
        documents = state.of_kind(kind)
        heirs: dict[str, str] = {}
        for name, placed in documents.items():
            old = former_name(placed)
            if old is None:
                continue
            word = word_for(kind)
            if LABEL.fullmatch(old) is None:
                yield _problem(placed, f"{old!r:.80} is not the name of a document")
            elif old == name:
                yield _problem(placed, f'{word} "{name}" is renamed from its own name')
            elif old in documents:
                yield _problem(placed, f'{word} "{old}", from which it is renamed, still exists')
            elif old in heirs:
                yield _problem(placed, f'{word} "{heirs[old]}" is renamed from "{old}" too')
            else:
                heirs[old] = name


def _problem(placed: Placed[Document], message: str) -> Problem:
    at = placed.locate(("metadata", "annotations", RENAMED_FROM))
    hint = "name what the document itself was called in the commit before"
    return Problem(at, Code.BAD_RENAME.value, message, hint)
