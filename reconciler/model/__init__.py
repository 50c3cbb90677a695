"""The vocabulary: values that every room speaks of. Standard library only, no I/O, Python 3.9."""
