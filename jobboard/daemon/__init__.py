"""The processes that stay: scheduler, worker and its agent, watcher."""
