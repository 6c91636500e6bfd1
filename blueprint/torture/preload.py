"""Loaded once by the process from which job runs that are to be killed are forked."""

from torture import run, worker

__all__ = ["run"]
worker.hasten()
