"""One landing of one table, from the window to the Glue Data Catalog.

Every step may be the last one of a job run that is killed: files without a commit record do not exist for readers, and
what should follow a commit is made up for by the next job run.
"""

from __future__ import annotations

import re
from typing import Optional

from landing.batch import Batch
from landing.job.arguments import Arguments
from landing.job.errors import LandingError
from landing.job.services import Services
from landing.publish.commit_log import Commits, up_to_last_batch
from landing.publish.glue_catalog import Registrar
from landing.publish.sweep import sweep

_ATTEMPT = re.compile(r"_attempt_\d+$")


def land(arguments: Arguments, services: Services) -> None:
    """Land the table once. Raises LandingError, or what AWS raised."""
    prefix = "{}/{}/".format(services.secret.dbname, arguments.table)
    commits = Commits(services.objects, prefix)
    numbers = commits.numbers()
    last = commits.read(numbers[-1]) if numbers else None
    refused: Optional[LandingError] = None
    if last is not None and _same_run(last.job_run_id, arguments.job_run_id):
        services.events.write("landed before", batch=last.batch, rows=last.rows)
    else:
        refused = Batch(arguments, services, commits, prefix, numbers).run()
        numbers = commits.numbers()
    registrar = Registrar(
        services.glue, arguments.bucket, services.secret.dbname, arguments.table, arguments.partition_column
    )
    added = registrar.register(commits, up_to_last_batch(commits, numbers))
    services.events.write("registered", partitions=added)
    for batch in sweep(services.objects, prefix, commits, numbers):
        services.events.write("swept", batch=batch)
    if refused is not None:
        raise refused


def _same_run(one: str, other: str) -> bool:
    """Tell whether two job run ids are attempts of one job run, as Glue numbers retries."""
    return bool(one) and _ATTEMPT.sub("", one) == _ATTEMPT.sub("", other)
