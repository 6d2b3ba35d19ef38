"""How the store is spoken to: connections, scripts, keys, and values on the wire."""
