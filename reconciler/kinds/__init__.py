"""What people write: one file per kind, their registry and their published schema."""
