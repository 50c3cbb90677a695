"""Rules on which the planner and the language still differ; `test_found.py` shows each."""

SCANS_OF_FORMER_REVISIONS = False
"""S10: required is the content version of the revision that a release holds, not the newest."""
