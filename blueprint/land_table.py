"""The script of every Glue job that Landfall makes: lands one table. The work is in the package landing."""

import sys
from typing import Sequence

from landing.main import run


def main(argv: Sequence[str]) -> int:
    """Land the table and return the exit code; a failure's one line is the last on standard error."""
    line = run(argv[1:])
    if line is not None:
        print(line, file=sys.stderr, flush=True)
    return 0 if line is None else 1


if __name__ == "__main__":
    failure = run(sys.argv[1:])
    if failure is not None:
        # Python prints the text last; Glue shows it as the job run's error message.
        raise SystemExit(failure)
