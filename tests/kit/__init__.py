"""What tests share: a server of their own, a namespace, a clock that obeys, and waiting for events."""
