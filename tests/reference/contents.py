"""What a release's content is kept as, and who may have it (S16, S18, S20)."""

from datetime import datetime

from tests.reference.views import View


def packages(view: View) -> dict[tuple[str, int], str]:
    """Give the package of each release that is offered: its authorization's (S20).

    A release keeps it when its rollout turns to another authorization.
    """
    if view.force == "ended":
        return {}
    offered = [release for release in view.memory.live() if release.left()]
    for release in offered:
        release.package = release.package or view.spec.authorization
    return {(view.name, release.number): release.package for release in offered}


def clear(view: View, *, fresh: bool) -> None:
    """Take the content of an ended authorization from the points, for certain only (S16, S29)."""
    if view.force == "ended" and fresh:
        for release in view.memory.releases.values():
            release.shelved, release.package = False, ""


def shelve(view: View) -> None:
    """Have the point hold the content of all releases that are offered (S18)."""
    for _, number in packages(view):
        view.memory.releases[number].shelved = True


def note_orders(view: View, orders: list[tuple[str, str]], now: datetime) -> None:
    """Remember each order to run a phase once more, by its token, once (S16)."""
    for phase, token in orders:
        view.memory.reruns.setdefault((phase, token), now)
