"""Says at the end how many plans were compared, in all processes together."""

PLANS = "plans compared"


def pytest_terminal_summary(terminalreporter):
    """Sum up what the tests recorded of themselves."""
    passed = terminalreporter.getreports("passed")
    counts = [value for one in passed for name, value in one.user_properties if name == PLANS]
    if counts:
        terminalreporter.write_line(f"second opinion: {sum(counts)} plans compared, all alike")
