"""The random profile of the run: found faults are printed so that they can be run again."""

import os

from hypothesis import HealthCheck, settings

# How fast an example is made, or looked at, says something of the machine only: no deadline.
SLOW = [HealthCheck.too_slow]
settings.register_profile(
    "dev", max_examples=100, print_blob=True, deadline=None, suppress_health_check=SLOW
)
# The same examples on every run: a shared machine may be slow, never lucky.
settings.register_profile(
    "ci",
    max_examples=200,
    print_blob=True,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=SLOW,
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
settings.load_profile(PROFILE)


def pytest_report_header():
    return f"profile of the properties: {PROFILE}"
