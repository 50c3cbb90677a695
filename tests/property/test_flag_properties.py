"""Sets made from flags are the sets made one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from reconciler.observed.flags import bits_of_flags


@given(
    st.sampled_from([0, 1, 7, 4097, 65536, 65537, 200_001]),
    st.floats(0, 1),
    st.integers(0, 1000),
)
def test_bits_of_flags_are_their_ordinals(size, share, seed):
    flags = np.random.default_rng(seed).random(size) < share

    assert bits_of_flags(flags) == BitMap(np.flatnonzero(flags).tolist())
