"""What is valid and not carried out warns once and never takes force."""

import pytest

from reconciler.engine.desire import judge
from reconciler.kinds.registry import CARRIED_OUT, KINDS
from reconciler.ports import Checkout
from tests.corpora import NOW
from tests.unit.kinds.test_documentation import examples_of, tables_of
from tests.worlds import SITE


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - CARRIED_OUT))
def test_kind_that_is_not_carried_out_is_refused(kind):
    text = examples_of(kind)
    files = {"a.yaml": text.encode(), **tables_of(kind)}
    desired, problems = judge(Checkout("c0ffee", NOW, files), SITE, NOW)
    told = [one.at.line for one in problems if one.message.startswith(f"{kind} is not carried")]

    assert desired is None
    assert not any(problem.is_error for problem in problems)
    assert len(told) == text.count(f"\nkind: {kind}\n")
