"""The database engines that can be read."""

ENGINES = {
    "postgres": "landing.postgres",
    "postgresql": "landing.postgres",
    "aurora-postgresql": "landing.postgres",
}
"""What a secret may call its engine, and the package whose DIALECT speaks with it."""
