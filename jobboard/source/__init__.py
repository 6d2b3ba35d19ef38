"""Boards as people write them: found on disk, read with positions, checked, resolved."""
