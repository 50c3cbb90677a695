"""Updates in our own form: what `catalog show -o json` prints can be read again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.codec import encode
from reconciler.model.custom import CustomSteps, Detection
from reconciler.model.updates import Update
from tests.advisories import an_advisory, listed, read_either
from tests.worlds import NOW, an_update

DAY = timedelta(days=1)
OURS = replace(an_update("app"), location="https://deb.example/debian", released_at=NOW)
STEPS = CustomSteps(
    "tool", "1", Detection(package="tool", version="1"), ("/bin/rm",), (), (0,), (), DAY, ()
)


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: {"update": one, "revision": 3}])
def test_update_in_own_form_is_read_as_it_was(wrap):
    (found,) = read_either(wrap(encode(OURS))).updates

    assert found == replace(OURS, source="test")


def test_folder_may_hold_both_forms():
    listing = read_either(encode(OURS), an_advisory())

    assert [one.has_files for one in listing.updates] == [False, True]


def test_own_form_is_no_osv_record():
    (aside,) = listed(encode(OURS)).set_aside

    assert aside.id == OURS.id


def file_with(**changes):
    return encode(replace(OURS, packages=(replace(OURS.packages[0], **changes),)))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (file_with(path="../../etc/shadow"), "the path '../../etc/shadow' leaves the archive"),
        (file_with(path="/etc/shadow"), "the path '/etc/shadow' leaves the archive"),
        (file_with(sha256="0"), "'app' has no digest and size"),
        (file_with(size=-1), "'app' has no digest and size"),
        (encode(replace(OURS, location="gopher://x")), "location is 'gopher://x'"),
        (encode(replace(OURS, location="https://u:p@x/")), "location is"),
        (encode(replace(OURS, product="")), "product is ''"),
        ({**encode(OURS), "colour": 1}, "the message has the unknown field 'colour'"),
        ({**encode(OURS), "severity": 9}, "severity: 9 is not a valid"),
        (encode(replace(OURS, removable=True)), "removable is True"),
        (encode(replace(OURS, packages=(), custom=STEPS)), "custom is CustomSteps("),
        ({"update": 7}, "update is no object"),
    ],
)
def test_update_that_no_source_would_make_is_set_aside(record, reason):
    listing = read_either(record, an_advisory())

    assert [one.reason.startswith(reason) for one in listing.set_aside] == [True]
    assert len(listing.updates) == 1


def test_withdrawn_entry_is_no_update():
    listing = read_either({"update": encode(OURS), "withdrawn": True}, an_advisory())

    assert listing.retracted == (OURS.id,)
    assert all(isinstance(one, Update) and one.id != OURS.id for one in listing.updates)
