"""What `status` says before anything is in force."""

from datetime import timedelta

from reconciler.app.clock import FixedClock
from reconciler.engine.desire import Desire, Followed, judge, renew
from reconciler.engine.passes import Reconciler
from reconciler.engine.status import STATUS
from reconciler.ports import Checkout
from reconciler.store import Store
from tests.worlds import BASICS, NOW, SITE


class OneCommit:
    """A source with one commit."""

    def __init__(self, text):
        self._files = {"m.yaml": text.encode()}

    def fetch(self, _applied=""):
        return Checkout("c" * 40, NOW, self._files)


def status_of(tmp_path, text):
    """Give the status of a first pass on a commit."""
    store = Store(tmp_path / "site.db")
    store.migrate()
    reconciler = Reconciler(store, SITE, FixedClock(NOW), "host:site", timedelta(hours=1))
    reconciler.begin()
    reconciler.run_pass(renew(Desire(), Followed(OneCommit(text), SITE, timedelta(hours=1)), NOW))
    with store.read() as view:
        status = view.documents.load(STATUS)
    store.close()
    return status


def test_status_tells_why_the_first_commit_is_refused(tmp_path):
    status = status_of(tmp_path, BASICS.replace("group: rollup", "group: rolup"))

    assert (status["revision"]["attempted"], status["revision"]["applied"]) == ("c" * 40, "")
    assert "rolup" in status["revision"]["problems"][0]
    assert not status["converged"]


def test_status_tells_what_is_not_carried_out_yet(tmp_path):
    status = status_of(
        tmp_path, BASICS.replace("releases:", "content: {run: from-point}\n  releases:")
    )

    assert "PW1096" in status["revision"]["problems"][0]


def test_commit_with_a_field_not_carried_out_takes_no_force():
    files = {
        "m.yaml": BASICS.replace("releases:", "content: {run: from-point}\n  releases:").encode()
    }

    desired, _ = judge(Checkout("c" * 40, NOW, files), SITE, NOW)

    assert desired is None


def test_commit_with_another_site_code_takes_no_force():
    files = {"m.yaml": BASICS.replace("code: PWR", "code: TST").encode()}

    desired, problems = judge(Checkout("c" * 40, NOW, files), SITE, NOW)

    assert desired is None
    assert [str(one.at) for one in problems if one.code == "PW2001"] == ["m.yaml:5:14"]
