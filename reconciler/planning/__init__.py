"""Every decision: collections, windows, rollouts, packages, the plan and its explanation."""
