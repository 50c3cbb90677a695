"""Documents to the desired state: all checks that need more than one field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from reconciler.desired.document_checks import check_documents
from reconciler.desired.references import check_references
from reconciler.desired.rollout_checks import check_rollouts
from reconciler.desired.state import DesiredState, Loaded, Placed
from reconciler.desired.window_checks import check_windows
from reconciler.kinds.authorization import Authorization
from reconciler.kinds.base import Document
from reconciler.kinds.catalog_source import CatalogSource
from reconciler.kinds.collection import Collection
from reconciler.kinds.rejection import Rejection
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.scan_policy import ScanPolicy
from reconciler.kinds.site import Site
from reconciler.kinds.update_group import UpdateGroup
from reconciler.model.problems import Problem

D = TypeVar("D", bound=Document)


def link(loaded: Loaded, now: datetime) -> tuple[DesiredState | None, tuple[Problem, ...]]:
    """Link a commit's documents by name.

    Gives the desired state unless a problem is an error, and every problem, those of the
    loading included, sorted. `now` decides only what is told as over.
    """
    state = _gather(loaded)
    problems = [
        *loaded.problems,
        *check_references(state, loaded.broken),
        *check_documents(state, now),
        *check_rollouts(state),
        *check_windows(state, now),
    ]
    refused = any(problem.is_error for problem in problems)
    return (None if refused else state), tuple(sorted(problems))


def _gather(loaded: Loaded) -> DesiredState:
    documents = loaded.documents
    return DesiredState(
        commit=loaded.commit,
        authorizations=_by_name(documents, Authorization),
        catalog_sources=_by_name(documents, CatalogSource),
        collections=_by_name(documents, Collection),
        rejections=_by_name(documents, Rejection),
        rollouts=_by_name(documents, Rollout),
        scan_policies=_by_name(documents, ScanPolicy),
        sites=_by_name(documents, Site),
        update_groups=_by_name(documents, UpdateGroup),
    )


def _by_name(documents: Iterable[Placed[Document]], kind: type[D]) -> Mapping[str, Placed[D]]:
    """Give the documents of a kind, sorted; of two with one name the first, which is told."""
    found: dict[str, Placed[D]] = {}
    for placed in documents:
        document = placed.document
        if isinstance(document, kind):
            typed = Placed(document, placed.at, placed.changed_in, placed.locate)
            found.setdefault(typed.name, typed)
    return MappingProxyType(dict(sorted(found.items())))
