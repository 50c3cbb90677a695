"""The file of a snapshot: bounded, digested, and refused where anything of it is wrong."""

import json
import stat
import zlib

import numpy as np
import pytest
from pyroaring import BitMap

from reconciler.engine import snapshots
from reconciler.engine.snapshot_fleet import Blobs
from reconciler.engine.snapshot_trust import Trust
from reconciler.engine.snapshots import (
    MAGIC,
    Snapshot,
    load_snapshot,
    read_snapshot,
    save_snapshot,
    write_snapshot,
)
from reconciler.model.errors import SnapshotError
from reconciler.model.ids import sha256_hex
from reconciler.model.updates import UpdateState
from reconciler.observed.state import ObservedState
from tests.worlds import NOW, SITE, PlannerWorld, an_update


@pytest.fixture
def snapshot():
    world = PlannerWorld()
    world.publish(an_update("app"))
    world.enrol("ref-1", ring="reference", cores=4, load=1.5, virtual=True, roles=("web", "db"))
    world.enrol("web-1")
    world.scan(app=UpdateState.MISSING)
    world.step()
    world.run("ref-1")
    return Snapshot(ObservedState(world.fleet(), world.catalog(), world.memory), SITE, NOW, "c" * 8)


@pytest.fixture
def parts(snapshot):
    content, _ = write_snapshot(snapshot)
    line, _, body = content[len(MAGIC) :].partition(b"\n")
    return json.loads(line), body


def whole(header, body):
    return MAGIC + json.dumps(header).encode() + b"\n" + body


def test_snapshot_comes_back_with_every_type_of_fact(snapshot):
    content, _ = write_snapshot(snapshot)

    fleet = read_snapshot(content, "it").observed.fleet

    facts = {name: column.value_of(0) for name, column in fleet.facts.items()}
    assert facts["roles"] == ("web", "db")
    assert [facts["cores"], facts["load"], facts["virtual"]] == [4, 1.5, True]
    assert type(facts["cores"]) is int
    assert type(facts["virtual"]) is bool


def test_site_without_computers_has_a_snapshot_too(tmp_path):
    empty = Snapshot(PlannerWorld().observed(), SITE, NOW)
    path, _ = save_snapshot(empty, tmp_path / "site.snapshot")

    assert not load_snapshot(path).observed.fleet.ids


def test_file_in_a_folder_is_named_by_its_digest_and_private(snapshot, tmp_path):
    path, digest = save_snapshot(snapshot, tmp_path)

    assert path == tmp_path / f"{digest}.snapshot"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert write_snapshot(load_snapshot(path))[1] == digest


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"form": "redacted"}, id="another-form"),
        pytest.param({"commit": "f" * 40}, id="another-commit"),
        pytest.param({"signature": {"key": "a"}}, id="no-signature"),
        pytest.param({"compression": "none"}, id="compression"),
        pytest.param({"body": {"size": 10, "sha256": "0" * 64}}, id="larger-than-told"),
        pytest.param({"body": {"size": 1 << 60, "sha256": "0" * 64}}, id="beyond-the-limit"),
        pytest.param({"body": {}}, id="no-size"),
    ],
)
def test_header_that_this_release_does_not_read_is_refused(parts, change):
    header, body = parts

    with pytest.raises(SnapshotError, match="is damaged"):
        read_snapshot(whole({**header, **change}, body), "it")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"patchwright-snapshot/2\n{}\n", id="later-format"),
        pytest.param(MAGIC, id="no-header"),
        pytest.param(MAGIC + b"[]\n", id="header-of-another-type"),
        pytest.param(MAGIC + b"{}\n", id="empty-header"),
    ],
)
def test_what_is_no_snapshot_is_refused(content):
    with pytest.raises(SnapshotError):
        read_snapshot(content, "it")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"[" * 60_000, id="nested-too-deep"),
        pytest.param(b'{"a":' * 10_000, id="objects-nested-too-deep"),
        pytest.param(b'{"signature": "00", "site": NaN}', id="no-number"),
        pytest.param(b'{"signature": "00", "site": "\\ud800"}', id="half-a-character"),
        pytest.param(b'{"signature": "\\u0660", "exportedAt": 5}', id="signature-of-other-digits"),
    ],
)
def test_forged_header_is_refused_without_a_crash(line):
    trust = Trust(NOW, keys=frozenset({"00" * 32}))

    with pytest.raises(SnapshotError):
        read_snapshot(MAGIC + line + b"\nbody", "it", trust)


def test_body_that_is_nested_too_deep_is_damaged(parts):
    header, _ = parts
    text = b"[" * 200_000
    body = len(text).to_bytes(8, "big") + text
    told = {"size": len(body), "sha256": sha256_hex(body)}

    with pytest.raises(SnapshotError, match="is damaged"):
        read_snapshot(whole({**header, "body": told}, zlib.compress(body)), "it")


def test_body_that_differs_from_its_digest_is_refused(parts):
    header, body = parts
    other = bytearray(zlib.decompress(body))
    other[-1] ^= 1

    with pytest.raises(SnapshotError, match="not what its digest says"):
        read_snapshot(whole(header, zlib.compress(bytes(other))), "it")


def test_body_is_never_unpacked_further_than_it_says(parts, monkeypatch):
    header, _ = parts
    monkeypatch.setattr(snapshots, "MOST_BYTES", 1 << 20)
    bomb = zlib.compress(bytes(1 << 26))

    with pytest.raises(SnapshotError):
        read_snapshot(whole({**header, "body": {"size": 1 << 19, "sha256": ""}}, bomb), "it")


def test_small_file_cannot_ask_for_more_memory_than_the_largest_has(parts):
    """One computer with a large ordinal, and facts that nobody tells, would be huge columns."""
    header, packed = parts
    body = zlib.decompress(packed)
    end = 8 + int.from_bytes(body[:8], "big")
    index = json.loads(body[8:end])
    blobs = Blobs()
    ordinals = blobs.add_array(np.array([1 << 26], dtype=np.uint32), "<u4")
    number = blobs.add_array(np.array([0]), "<i8")
    code = blobs.add_array(np.array([-1]), "<i4")
    nobody = blobs.add(BitMap().serialize())
    index["fleet"] = {
        "ordinals": ordinals, "ids": ["0" * 32], "names": ["pc"], "enrolled": nobody,
        "facts": {f"f{one}": {"values": [], "codes": code} for one in range(1000)},
        "states": {}, "runs": {}, "enrolledAt": number, "lastContactAt": number,
        "lastScanAt": number, "scanVersion": number,
    }  # fmt: skip
    index["blobs"] = [len(one) for one in blobs.parts]
    text = json.dumps(index).encode()
    made = b"".join([len(text).to_bytes(8, "big"), text, *blobs.parts])
    told = {"size": len(made), "sha256": sha256_hex(made)}

    with pytest.raises(SnapshotError, match="takes more memory"):
        read_snapshot(whole({**header, "body": told}, zlib.compress(made)), "it")


def test_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SnapshotError, match="cannot be read"):
        load_snapshot(tmp_path / "none")
