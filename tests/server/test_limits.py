from hypothesis import given
from hypothesis import strategies as st

from reconciler.server.limits import MOST_ADDRESSES, RateLimiter


def test_bucket_is_refilled_within_a_minute():
    limiter = RateLimiter(2)
    asked = [limiter.allows("10.0.0.1", moment) for moment in (0, 0, 0, 29, 31, 31, 91, 91, 91)]

    assert asked == [True, True, False, False, True, False, True, True, False]


def test_addresses_do_not_disturb_each_other():
    limiter = RateLimiter(1)

    assert [limiter.allows(f"10.0.0.{n}", 0) for n in (1, 2, 1)] == [True, True, False]


def test_hosts_of_one_ipv6_network_share_a_bucket():
    limiter = RateLimiter(1)

    assert limiter.allows("2001:db8::1", 0)
    assert not limiter.allows("2001:db8::2", 0)
    assert limiter.allows("2001:db8:0:1::1", 0)


def test_memory_is_bounded():
    limiter = RateLimiter(1)
    for n in range(MOST_ADDRESSES + 50):
        limiter.allows(str(n), 0)

    assert len(limiter) == MOST_ADDRESSES


@given(st.lists(st.floats(0, 5), max_size=200), st.integers(1, 10))
def test_never_more_than_twice_the_limit_in_a_minute(pauses, per_minute):
    limiter, moment, allowed = RateLimiter(per_minute), 0.0, []
    for pause in pauses:
        moment += pause
        if limiter.allows("a", moment):
            allowed.append(moment)

    for start in allowed:
        assert sum(start <= at < start + 60 for at in allowed) <= 2 * per_minute
