"""Jobs and runs in virtual time: what would happen, and what is asserted about it."""
