"""The composition root: a site's settings become a wired application."""
