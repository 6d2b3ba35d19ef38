"""Nasty process trees, each a small program of its own that any system with Python can run."""
