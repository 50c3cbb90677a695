"""Snapshots without names, signed by the site: what is kept, what is gone, what is refused."""

import zlib
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.redaction import PREFIX, Redaction, naming_facts
from reconciler.engine.snapshot_trust import Trust
from reconciler.engine.snapshots import (
    MAGIC,
    Snapshot,
    blind_spots,
    read_snapshot,
    recognising,
    redacted,
    write_snapshot,
)
from reconciler.model.errors import SnapshotError, StaleSnapshotError
from reconciler.model.permits import Permit
from reconciler.model.updates import UpdateState
from reconciler.planning.plan import make_plan
from reconciler.planning.render import plan_json
from reconciler.server.signing import Signer
from tests.worlds import BASICS, NOW, SITE, PlannerWorld, an_update, load_desired

KEY = b"k" * 32
SHARDED = BASICS.replace(
    "query: {fact: ring, op: In, values: [reference]}", "query: {shard: {of: 3, in: [0]}}"
)
NAMED = BASICS.replace(
    "query: {fact: ring, op: In, values: [reference]}", "computers: [secret-3, SITE/secret-4]"
)


def a_world(*manifests: str) -> PlannerWorld:
    world = PlannerWorld(manifests=list(manifests) or [BASICS])
    world.publish(an_update("app"))
    for number in range(12):
        world.enrol(
            f"secret-{number}",
            ring="reference" if number < 3 else "other",
            hostname=f"secret-{number}.corp.example",
            serial=f"SN{number}",
            role="web",
        )
    world.scan(app=UpdateState.MISSING)
    world.step()
    return world


def a_snapshot(world: PlannerWorld) -> Snapshot:
    permit = Permit("0" * 31 + "3", 3, "secret-3", "A", "monthly", 1, "first", NOW, NOW)
    observed = replace(world.observed(), permits=(permit,))
    return Snapshot(observed, SITE, NOW, "c" * 40, exported_at=NOW)


def stripped(snapshot: Snapshot, *kept: str, matchable: bool = False) -> Snapshot:
    return redacted(snapshot, Redaction(KEY, frozenset(kept)), matchable=matchable, salt=b"s" * 16)


def reread(snapshot: Snapshot) -> Snapshot:
    content, _ = write_snapshot(snapshot)
    return read_snapshot(content, "it")


def unpacked(snapshot: Snapshot) -> bytes:
    """Give everything that the file holds, header and body."""
    content, _ = write_snapshot(snapshot)
    header, _, body = content.removeprefix(MAGIC).partition(b"\n")
    return header + zlib.decompress(body)


def test_redacted_file_holds_no_name_id_or_serial():
    snapshot = a_snapshot(a_world())
    plain, hidden = unpacked(snapshot), unpacked(stripped(snapshot, matchable=True))

    for secret in (b"secret-3", b"SN3", b"corp.example"):
        assert secret in plain
        assert secret not in hidden
    assert b'"web"' in hidden


def test_facts_that_most_machines_share_with_nobody_are_hidden():
    fleet = a_world().fleet()

    assert naming_facts(fleet) == {"hostname", "serial"}


def test_lists_of_texts_that_are_a_computers_own_are_hidden():
    world = PlannerWorld(manifests=[BASICS])
    for number in range(12):
        world.enrol(
            f"pc-{number}", addresses=("127.0.0.1", f"10.9.8.{number}"), roles=("web", "db")
        )

    fleet = world.fleet()
    assert naming_facts(fleet) == {"addresses"}
    known = Snapshot(world.observed(), SITE, NOW, exported_at=NOW)
    content, _ = write_snapshot(redacted(known, Redaction(KEY), matchable=True))
    assert b"10.9.8." not in zlib.decompress(content[len(MAGIC) :].partition(b"\n")[2])


def test_few_computers_do_not_make_a_fact_a_name():
    world = PlannerWorld()
    for number in range(9):
        world.enrol(f"c{number}", rack=f"r{number}")

    assert naming_facts(world.fleet()) == set()


@pytest.mark.parametrize("manifests", [BASICS, SHARDED])
def test_plans_of_a_redacted_snapshot_are_the_same(manifests):
    world = a_world(manifests)
    desired = load_desired(manifests)
    snapshot = a_snapshot(world)
    later = NOW + timedelta(days=3)

    plans = [
        plan_json(make_plan(desired, one.observed, SITE, later))
        for one in (snapshot, reread(stripped(snapshot)))
    ]
    assert plans[0] == plans[1]
    assert plans[0]["phases"]


def test_names_that_manifests_hold_stay():
    names = reread(stripped(a_snapshot(a_world()), "secret-3")).observed.fleet.names

    assert names[3] == "secret-3"
    assert all(name.startswith(PREFIX) for number, name in names.items() if number != 3)


def test_matchable_snapshot_finds_the_names_that_manifests_bring():
    snapshot = reread(stripped(a_snapshot(a_world()), matchable=True))
    desired = load_desired(NAMED)

    known = recognising(snapshot, desired).observed.fleet

    found = {name: list(known.named(name)) for name in ("secret-3", "secret-4", "secret-5")}
    assert found == {"secret-3": [3], "secret-4": [4], "secret-5": []}
    assert list(blind_spots(snapshot, desired)) == []


def test_unmatchable_snapshot_says_whom_it_cannot_find():
    snapshot = reread(stripped(a_snapshot(a_world()), "secret-3"))

    told = list(blind_spots(snapshot, load_desired(NAMED)))

    assert told == ["named computer(s) that may have enrolled: secret-4"]


def test_query_of_a_hidden_fact_is_told():
    asked = BASICS.replace("fact: ring", "fact: hostname")
    snapshot = reread(stripped(a_snapshot(a_world())))

    assert list(blind_spots(snapshot, load_desired(asked))) == [
        "whom the hidden fact(s) hostname select"
    ]


@given(st.text(min_size=1), st.text(min_size=1))
def test_pseudonyms_tell_texts_apart_and_depend_on_the_key(first, second):
    one = Redaction(KEY).pseudonym("name", first)

    assert (one == Redaction(KEY).pseudonym("name", second)) == (first == second)
    assert one != Redaction(b"other" * 7).pseudonym("name", first)


@pytest.fixture
def signer(tmp_path):
    return Signer.load_or_make(tmp_path / "key.pem")


def trust(*keys: str, **more) -> Trust:
    return Trust(**{"now": NOW, "keys": frozenset(keys), **more})


def test_signed_snapshot_is_read_with_the_sites_key(signer):
    content, _ = write_snapshot(a_snapshot(a_world()), signer.seal_snapshot)

    assert read_snapshot(content, "it", trust("0" * 64, signer.public_key)).commit == "c" * 40


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"commit":"c', b'"commit":"d', "not signed by the site"),
        (b'"name":"main"', b'"name":"evil"', "not signed by the site"),
        (b'"exportedAt":"2026-03-02', b'"exportedAt":"2026-03-01', "not signed by the site"),
        (b'"sha256":"', b'"sha256":"0', "not signed by the site"),
        (b'"signature":"', b'"signature":"zz', "not signed by the site"),
    ],
)
def test_forged_header_is_refused(signer, old, new, why):
    content, _ = write_snapshot(a_snapshot(a_world()), signer.seal_snapshot)
    assert old in content[: len(MAGIC) + 1000]

    with pytest.raises(SnapshotError, match=why):
        read_snapshot(content.replace(old, new, 1), "it", trust(signer.public_key))


def test_other_body_under_a_signed_header_is_refused(signer):
    content, _ = write_snapshot(a_snapshot(a_world()), signer.seal_snapshot)
    other, _ = write_snapshot(a_snapshot(a_world(SHARDED)))
    header = content[: content.index(b"\n", len(MAGIC)) + 1]
    body = other[other.index(b"\n", len(MAGIC)) + 1 :]

    with pytest.raises(SnapshotError, match="digest"):
        read_snapshot(header + body, "it", trust(signer.public_key))


def test_unsigned_snapshot_is_refused_where_a_key_is_pinned(signer):
    content, _ = write_snapshot(a_snapshot(a_world()))

    with pytest.raises(SnapshotError, match="is not signed"):
        read_snapshot(content, "it", trust(signer.public_key))


def test_signature_of_a_policy_is_none_of_a_snapshot(signer):
    content, _ = write_snapshot(a_snapshot(a_world()), lambda header: signer.sign(header).signature)

    with pytest.raises(SnapshotError, match="not signed by the site"):
        read_snapshot(content, "it", trust(signer.public_key))


def test_age_is_counted_from_the_export_and_exactly():
    content, _ = write_snapshot(a_snapshot(a_world()))
    day = timedelta(days=1)

    assert read_snapshot(content, "it", trust(now=NOW + day, max_age=day)).now == NOW
    with pytest.raises(StaleSnapshotError, match="at most 1d is accepted"):
        read_snapshot(content, "it", trust(now=NOW + day + timedelta(seconds=1), max_age=day))


def test_snapshot_of_the_future_is_refused():
    content, _ = write_snapshot(a_snapshot(a_world()))

    with pytest.raises(SnapshotError, match="which is ahead"):
        read_snapshot(content, "it", trust(now=NOW - timedelta(hours=1)))
