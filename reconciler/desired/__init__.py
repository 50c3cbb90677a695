"""Documents linked by name into the desired state, and the rules of governance."""
