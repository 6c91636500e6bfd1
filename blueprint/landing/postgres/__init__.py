"""All that is particular to PostgreSQL: its SQL, types and snapshots. No other module writes SQL for the source."""
