"""Time 100,000 comparisons by dpkg's order against comparing the same texts as texts.

Run: .venv/bin/python benchmarks/versions.py
"""

from __future__ import annotations

import json
import platform
import random
import time
from collections.abc import Callable

from reconciler.model.versions import compare_dpkg

PAIRS = 100_000
SEED = 1


def random_version(chance: random.Random) -> str:
    """Make a version that dpkg accepts."""
    tail = "".join(chance.choices("0123456789.~+abz", k=chance.randint(0, 12)))
    return f"{chance.choice(('', '1:'))}{chance.randint(0, 9)}{tail}-{chance.randint(1, 99)}"


def seconds(compare: Callable[[str, str], object], pairs: list[tuple[str, str]]) -> float:
    """Give the processor time of comparing all pairs."""
    began = time.process_time()
    for first, second in pairs:
        compare(first, second)
    return time.process_time() - began


def main() -> None:
    """Print the figures as JSON."""
    chance = random.Random(SEED)  # noqa: S311  # no secret
    pairs = [(random_version(chance), random_version(chance)) for _ in range(PAIRS)]
    floor = seconds(lambda first, second: first < second, pairs)
    ours = seconds(compare_dpkg, pairs)
    figures = {"pairs": PAIRS, "seconds": ours, "floorSeconds": floor, "ratio": ours / floor}
    print(json.dumps({**figures, "python": platform.python_version()}, indent=2))


if __name__ == "__main__":
    main()
