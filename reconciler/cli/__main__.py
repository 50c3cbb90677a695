"""`python -m reconciler.cli` is `patchwright`."""

from reconciler.cli.main import main

main()
