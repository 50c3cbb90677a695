"""What carries actions out: the embedded site now, others later."""
