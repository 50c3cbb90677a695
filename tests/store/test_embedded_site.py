from dataclasses import replace

import pytest

from reconciler.model.rollouts import Release
from reconciler.planning.actions import DROPS, Verb
from reconciler.sites.embedded import EmbeddedSite
from tests.store.builders import (
    ADVERTISEMENT,
    MEMBERSHIP,
    NOW,
    PACKAGE,
    RECORDS,
    RELEASE,
    an_action,
)

SITE = EmbeddedSite()
CREATE = an_action(PACKAGE, Verb.CREATE_PACKAGE)
RETIRE = an_action(PACKAGE, Verb.RETIRE_PACKAGE)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
@pytest.mark.parametrize("verb", [Verb.OPEN_PHASE, *sorted(DROPS)])
def test_site_shows_what_it_performed(store, record, verb):
    action = an_action(record, verb)
    with store.write() as work:
        SITE.perform(work, action)

        assert SITE.shows(work, action)


def test_performing_twice_is_performing_once(store):
    with store.write() as work:
        for action in (CREATE, CREATE):
            SITE.perform(work, action)

        assert work.records.all(type(PACKAGE)) == [PACKAGE]


def test_retirement_undoes_creation(store):
    with store.write() as work:
        SITE.perform(work, CREATE)
        assert not SITE.shows(work, RETIRE)
        SITE.perform(work, RETIRE)

        assert SITE.shows(work, RETIRE)
        assert not SITE.shows(work, CREATE)


def test_effect_and_mark_are_kept_or_lost_together(store):
    actions = [an_action(ADVERTISEMENT), an_action(MEMBERSHIP)]
    with store.write() as work:
        plan = work.journal.begin("d" * 64, "c0ffee", NOW, actions)

    def crash():
        with store.write() as work:
            SITE.perform(work, actions[0])
            work.journal.mark_done(plan, 0, NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()

    with store.read() as view:
        assert [intent.action for intent in view.journal.pending()] == actions
        assert not SITE.shows(view, actions[0])


def test_a_renamed_record_takes_the_place_of_the_former_one_at_once(store):
    renamed = replace(RELEASE, rollout="sites", formerly=("web",))
    action = replace(an_action(renamed, Verb.RENAME), former=RELEASE)
    with store.write() as work:
        work.records.put(RELEASE)
        SITE.perform(work, action)
        SITE.perform(work, action)

        assert work.records.all(Release) == [renamed]
        assert SITE.shows(work, action)
