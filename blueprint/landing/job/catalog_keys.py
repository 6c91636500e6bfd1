"""The catalog keys that reach the job as arguments, with their defaults.

Made from internal/catalog/keys.go by make generate; do not edit.
"""

from typing import Dict, Tuple

KEYS: Dict[str, str] = {
    "source_table": "SourceTable",
    "secret_name": "SecretName",
    "destination_bucket": "DestinationBucketName",
    "file_format": "DestinationFileFormat",
    "file_count": "DestinationFileCount",
    "file_mb": "DestinationFileSizeMB",
    "load_type": "LoadType",
    "delta_column": "DeltaColumnName",
    "null_cursor": "NullCursor",
    "lookback_seconds": "LookbackSeconds",
    "lag_seconds": "LagSeconds",
    "partition_column": "S3PartitionColumnName",
    "primary_key": "PrimaryKey",
    "detect_deletes": "DetectDeletes",
    "delete_limit_percent": "DeleteLimitPercent",
    "schema_evolution": "SchemaEvolution",
    "compare_rows": "CompareRows",
    "types": "Types",
    "columns": "Columns",
    "max_connections": "MaxConnections",
    "engine": "Engine",
}
"""The catalog key of each argument. An argument that has no default below is required."""

CHOICES: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "file_format": ("parquet", ("parquet",)),
    "load_type": ("Incremental", ("Full", "Incremental")),
    "null_cursor": ("Fail", ("Fail", "Include", "FullOnly")),
    "schema_evolution": ("Evolve", ("Evolve", "Freeze")),
    "compare_rows": ("Sample", ("Sample", "All")),
    "engine": ("Spark", ("Spark", "PythonShell")),
}
"""The default of an argument, and all its values."""

NUMBERS: Dict[str, Tuple[int, int, int]] = {
    "file_count": (0, 0, 10000),
    "file_mb": (256, 1, 4096),
    "lookback_seconds": (0, 0, 31536000),
    "lag_seconds": (600, 0, 86400),
    "delete_limit_percent": (20, 0, 100),
    "max_connections": (4, 1, 64),
}
"""The default of an argument, its least and its greatest value."""

FLAGS: Dict[str, bool] = {
    "detect_deletes": False,
}
"""The default of an argument that is true or false."""

TEXTS: Dict[str, str] = {
    "delta_column": "[]",
    "partition_column": "",
    "primary_key": "[]",
    "types": "{}",
    "columns": "{}",
}
"""The value of an argument that is left out because it is empty. Lists and objects are JSON."""
