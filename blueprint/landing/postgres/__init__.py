"""All that is particular to PostgreSQL: its SQL, its types, its snapshots. Nothing outside this package writes SQL for the source."""
