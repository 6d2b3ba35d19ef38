"""What runs jobs that are no plain commands: each run a process of its own, as those of commands are."""
