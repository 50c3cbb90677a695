"""One fault gives one error: what follows from a document that was not read is not told."""

import pytest

from reconciler.desired.link import link
from reconciler.source.load import load_manifests
from tests.corpora import NOW, document

LAB = document("Collection", "web", "{include: [lab]}")
ROLLOUT = document("Rollout", "r", "{authorization: a, strategy: s}")


def told(**files: str) -> list[str]:
    content = {f"{name}.yaml": text.encode() for name, text in files.items()}
    problems = link(load_manifests(content, commit=""), NOW)[1]
    return [f"{one.code} {one.severity.value} {one.at.path}" for one in problems]


@pytest.mark.parametrize("broken", ["a: [\n", "a: \x00\n", "[" * 100, "a: &x [*x]\n"])
def test_names_that_an_unread_file_may_define_are_one_note(broken):
    errors = [one for one in told(web=LAB, unread=broken) if "error" in one]

    assert len(errors) == 1
    assert "PW1099 note unread.yaml" in told(web=LAB, unread=broken)


def test_phases_of_an_unread_strategy_are_not_missed():
    assert [one for one in told(r=ROLLOUT, unread="a: [\n") if "error" in one] == [
        "PW1010 error unread.yaml"
    ]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(document("Collection", "lab", "{owners: [x], owners: [y]}"), id="equal-keys"),
        pytest.param(document("Collecton", "lab", "{}"), id="unknown-kind"),
        pytest.param(document("Collection", "lab", "{ownrs: [x]}"), id="unknown-field"),
        pytest.param(document("Collection", "lab", "{owners: !x [y]}"), id="foreign-tag"),
    ],
)
def test_name_of_a_broken_document_is_known(broken):
    assert [one.split()[2] for one in told(web=LAB, lab=broken) if "error" in one] == ["lab.yaml"]


def test_name_that_no_file_can_define_is_an_error():
    assert "PW1070 error web.yaml" in told(web=LAB, list="- a\n")
