from dataclasses import replace
from datetime import timedelta

import pytest
from pyroaring import FrozenBitMap

from reconciler.model.errors import StoreError
from reconciler.model.policy import ProbeOrder, Windows
from reconciler.observed.cohorts import Cohorts
from reconciler.planning.guidance import (
    Guidance,
    ProbeClass,
    ScanClass,
    WaivedUpdate,
    WindowClass,
)
from tests.store.builders import LATER, NOW

WINDOWS = Windows(always=False, updates=((NOW, LATER),), until=LATER)
FROZEN = replace(WINDOWS, updates=(), frozen=((NOW, LATER),))
GUIDANCE = Guidance(
    enforce=True,
    windows=(
        WindowClass(FrozenBitMap([1, 2, 99_000]), WINDOWS),
        WindowClass(FrozenBitMap([3]), FROZEN, "Europe/Rome", WINDOWS),
    ),
    scans=(
        ScanClass(
            FrozenBitMap([1, 2]), timedelta(days=1), timedelta(hours=2), timedelta(minutes=15)
        ),
    ),
    probes=(
        ProbeClass(FrozenBitMap([2]), ProbeOrder("mode", "text", timedelta(days=1), ("ts", "-m"))),
    ),
    waivers={"u1": WaivedUpdate(FrozenBitMap([1]), Cohorts().at(NOW, FrozenBitMap([2])))},
)


def test_document_is_replaced(store):
    with store.write() as work:
        work.documents.save("status", {"a": [1, None, "é"]})
        work.documents.save("status", {"a": 2})

        assert work.documents.load("status") == {"a": 2}
        assert work.documents.load("other") is None


def test_guidance_comes_back_whole(store):
    with store.write() as work:
        assert work.documents.load_guidance() is None
        work.documents.save_guidance(GUIDANCE)

        assert work.documents.load_guidance() == GUIDANCE


def test_guidance_of_an_older_release_is_read(store):
    """Before zones, freezes and waivers."""
    old = {"enforce": True, "windows": [], "scans": []}
    with store.write() as work:
        work.documents.save("guidance", old)

        assert work.documents.load_guidance() == Guidance(enforce=True, windows=(), scans=())


def test_only_other_guidance_changes_policies(store):
    versions = []
    for guidance in (GUIDANCE, GUIDANCE, replace(GUIDANCE, enforce=False)):
        with store.write() as work:
            work.documents.save_guidance(guidance)
        versions.append(store.policy_version())

    assert versions == [1, 1, 2]


def test_guidance_of_another_shape_is_an_error(store):
    with store.write() as work:
        work.documents.save("guidance", {"enforce": True})

    with pytest.raises(StoreError, match="guidance cannot be read"), store.read() as view:
        view.documents.load_guidance()
