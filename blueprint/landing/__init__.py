"""The Landfall job: lands one table of a database in S3, complete and exactly once.

One module per concern; `job.land` is the whole run. Written for Python 3.9 to 3.11.
"""
