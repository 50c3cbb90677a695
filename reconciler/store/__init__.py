"""SQL: everything that must survive a crash, one repository per aggregate."""

from reconciler.store.store import Store, View, Work

__all__ = ["Store", "View", "Work"]
