"""The commands: each a module with `configure` and `execute`."""
