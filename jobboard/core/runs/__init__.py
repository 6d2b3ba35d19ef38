"""What a run is: its states, its end and what follows, and why it is as it is."""
