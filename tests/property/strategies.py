"""What properties draw from; grows with each kind."""

from hypothesis import strategies as st

from reconciler.model.updates import UpdateState

PRODUCTS = ("app", "lib", "tool")
COMPUTERS = ("ref-1", "ref-2", "web-1", "web-2", "web-3")
computers = st.sampled_from(COMPUTERS)
some_computers = st.sets(computers, min_size=1).map(sorted)
products = st.sampled_from(PRODUCTS)
states = st.sampled_from([UpdateState.MISSING, UpdateState.INSTALLED, UpdateState.NOT_APPLICABLE])
