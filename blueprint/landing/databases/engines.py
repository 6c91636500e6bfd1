"""The database engines that can be read."""

ENGINES = {
    "postgres": "landing.databases.postgres",
    "postgresql": "landing.databases.postgres",
    "aurora-postgresql": "landing.databases.postgres",
}
"""What a secret may call its engine, and the package whose DIALECT speaks with it."""
