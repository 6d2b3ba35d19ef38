"""The small process that starts commands and ends them, its guard, and what forks calls."""
