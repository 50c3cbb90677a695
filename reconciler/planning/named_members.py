"""Who is in a collection as far as manifests alone tell: by name, without any facts (S5)."""

from __future__ import annotations

from reconciler.desired.state import DesiredState
from reconciler.kinds.query import AllLeaf


def is_named_member(desired: DesiredState, collection: str, computer: str) -> bool | None:
    """Tell whether the computer is a member; nothing where its facts would decide."""
    spec = desired.collections[collection].document.spec
    joined: bool | None = any(_is_name_of(written, computer) for written in spec.computers)
    if spec.query is not None:
        joined = _either(joined, True if isinstance(spec.query, AllLeaf) else None)
    for name in spec.include:
        joined = _either(joined, is_named_member(desired, name, computer))
    if spec.limit_to is not None:
        joined = _both(joined, is_named_member(desired, spec.limit_to, computer))
    for name in spec.exclude:
        joined = _both(joined, _not(is_named_member(desired, name, computer)))
    return joined


def named_computers(desired: DesiredState) -> frozenset[str]:
    """Give every computer that a collection names, without its site."""
    return frozenset(
        written.rpartition("/")[2].lower()
        for placed in desired.collections.values()
        for written in placed.document.spec.computers
    )


def _is_name_of(written: str, computer: str) -> bool:
    return written.rpartition("/")[2].lower() == computer.rpartition("/")[2].lower()


def _not(value: bool | None) -> bool | None:  # noqa: FBT001  # the value itself is the matter
    return None if value is None else not value


def _either(first: bool | None, second: bool | None) -> bool | None:  # noqa: FBT001  # as above
    if first or second:
        return True
    return None if first is None or second is None else False


def _both(first: bool | None, second: bool | None) -> bool | None:  # noqa: FBT001  # as above
    return _not(_either(_not(first), _not(second)))
