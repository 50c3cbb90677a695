"""The collector is what it was, whatever happens while it is paused."""

import gc

import pytest

from reconciler.source.garbage import collector_paused


@pytest.mark.parametrize("was_on", [True, False])
def test_collector_is_as_before_even_after_an_error(was_on):
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        with pytest.raises(AssertionError), collector_paused():
            assert gc.isenabled()

        assert gc.isenabled() is was_on
    finally:
        (gc.enable if before else gc.disable)()
