"""What is asked about all of it at once: standings, health, invariants."""
