"""Entry of the Glue job that lands one table. The work is in the package landing."""

from __future__ import annotations

import sys
from typing import Sequence

from landing import engine, job
from landing.arguments import parse
from landing.errors import Scrubber, explain


def main(argv: Sequence[str], run: engine.Engine = engine.spark) -> int:
    """Lands one table; returns the exit code.

    A failed run ends with one line on stderr that names the table, what
    happened and what to do: Glue shows it as the job run's error message.
    """
    scrubber = Scrubber()
    table = next((argv[i + 1] for i, a in enumerate(argv[:-1]) if a == "--source_table"), "?")
    try:
        job.land(parse(argv), run, scrubber)
    except Exception as e:
        print(f"landfall: {table}: {scrubber.clean(explain(e))}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if code:
        # An exit code of zero must not raise: Glue takes any SystemExit of a Spark job for a failure.
        sys.exit(code)
