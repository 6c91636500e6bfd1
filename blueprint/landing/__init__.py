"""Lands one table of a database in the S3 raw layer, whole and exactly once. One module, one job."""
