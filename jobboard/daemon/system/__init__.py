"""What the system is asked for: process trees, control groups, confinement, and being told of us."""
