"""What holds of everything that is remembered, whatever happened before."""

from collections.abc import Iterator

from reconciler.observed.memory import Memory


def in_two_phases(memory: Memory) -> list[str]:
    """Give the releases of which some computer is in two phases at once (S12a)."""
    found = []
    for rollout, release in memory.releases:
        seen: set[int] = set()
        for key, membership in memory.memberships.items():
            if key[:2] == (rollout, release):
                if not seen.isdisjoint(membership.members):
                    found.append(f"{rollout}/{release}")
                seen |= set(membership.members)
    return found


def dangling(memory: Memory) -> list[str]:
    """Give the objects that refer to something that is not there (S22)."""
    return list(_dangling(memory))


def _dangling(memory: Memory) -> Iterator[str]:
    for offer in memory.advertisements.values():
        if (offer.package, offer.version, offer.program) not in memory.programs:
            yield f"advertisement {offer.id} without its program"
        if (offer.rollout, offer.release, offer.phase) not in memory.memberships:
            yield f"advertisement {offer.id} without its target"
    names = {program.name for program in memory.programs.values()}
    for program in memory.programs.values():
        if (program.package, program.version) not in memory.packages:
            yield f"program {program.name} without its package"
        if program.depends_on and program.depends_on not in names:
            yield f"program {program.name} without the one that it depends on"
    for content in memory.assignments.values():
        if (content.package, content.version) not in memory.packages:
            yield f"content of {content.package} without its package"
