"""What a sync would do: changes, drift and refusals, and what they mean in time."""
