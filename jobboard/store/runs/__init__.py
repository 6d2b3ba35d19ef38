"""Runs as they are stored: made, taken, finished, waited for, looked up."""
