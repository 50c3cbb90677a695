"""Becomes one program in a folder of a root: `python -m reconciler.agent.inside ROOT DIR -- …`.

No shell is asked to change the folder, and what made this module importable is not handed on.
"""

from __future__ import annotations

import os
import sys

_CANNOT_START = 127
_MASK = 0o022


def main(arguments: list[str]) -> int:
    """Go into the root and the folder, which is given as the root sees it, and become it."""
    root, folder, _, *command = arguments
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    try:
        if root != "/":
            os.chroot(root)
        os.chdir(folder)
        os.umask(_MASK)
        os.execvpe(command[0], command, environment)  # noqa: S606  # no shell is what is wanted
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]} in {folder}: {error.strerror}\n")
    return _CANNOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
