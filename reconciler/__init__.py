"""Patchwright: GitOps for software updates on fleets of machines."""
