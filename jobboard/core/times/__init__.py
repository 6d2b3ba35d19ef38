"""Instants, spans and schedules: zones, cron and the rest of what makes a nominal instant."""
