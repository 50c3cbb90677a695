"""Why a computer is not patched, and why a phase does not go on, read from what a plan decided."""
