"""The program on each computer: scan, download, install, report."""
