"""Takes runs, has them started, keeps what they say, and reports how they end."""
