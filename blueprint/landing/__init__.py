"""Lands one table of a database in the S3 raw layer, complete and exactly once. land.py is the table of contents."""
