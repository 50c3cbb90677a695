"""One pass: load, observe, plan, apply, write status; intake of messages and the journal."""
