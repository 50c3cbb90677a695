"""How `validate` prints what it found: one module for each form."""
