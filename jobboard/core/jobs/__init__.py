"""What a job is: its fields, read, resolved, merged; and what jobs say about each other."""
