"""Syncs what is saved, once it is meant: whole files that stay as they are."""
