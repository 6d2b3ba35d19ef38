"""One worker process beside another: who takes part, and how each is measured."""
