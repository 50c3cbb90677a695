"""Package files and the distribution points that serve them."""
