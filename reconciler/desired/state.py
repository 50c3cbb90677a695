"""The desired state: documents linked by name, each with its place in git."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.kinds.authorization import Authorization
from reconciler.kinds.base import Document
from reconciler.kinds.catalog_source import CatalogSource
from reconciler.kinds.collection import Collection
from reconciler.kinds.rejection import Rejection
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.scan_policy import ScanPolicy
from reconciler.kinds.site import Site
from reconciler.kinds.update_group import UpdateGroup
from reconciler.model.problems import Location, Problem

D_co = TypeVar("D_co", bound=Document, covariant=True)
FieldPath = tuple[str | int, ...]
"""Names as manifests write them, and numbers from 0: `("spec", "phases", 0, "deadline")`."""


@dataclass(frozen=True, slots=True)
class Placed(Generic[D_co]):
    """A document with its place.

    `locate` gives the place of a field's value, or of what is nearest to it where the field is
    not written; `changed_in` is the commit that the document is known to stand in.
    """

    document: D_co
    at: Location
    changed_in: str
    locate: Callable[[FieldPath], Location] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """The document's own name."""
        return self.document.metadata.name


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read of a commit: the documents that are whole, and every problem found.

    `broken` are the kinds and names of documents that are not whole.
    """

    commit: str
    documents: tuple[Placed[Document], ...]
    problems: tuple[Problem, ...]
    broken: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All documents of one valid commit, by name and sorted by it."""

    commit: str
    authorizations: Mapping[str, Placed[Authorization]]
    catalog_sources: Mapping[str, Placed[CatalogSource]]
    collections: Mapping[str, Placed[Collection]]
    rejections: Mapping[str, Placed[Rejection]]
    rollouts: Mapping[str, Placed[Rollout]]
    scan_policies: Mapping[str, Placed[ScanPolicy]]
    sites: Mapping[str, Placed[Site]]
    update_groups: Mapping[str, Placed[UpdateGroup]]
