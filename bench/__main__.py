"""`python -m bench`: see `bench.cli.app`."""

import sys

from bench.streams import prepare, say
from datasets.errors import BenchError


def main() -> None:
    """Run the command line; bad input is one line on standard error and exit code 2."""
    from bench.cli.app import app

    prepare()
    try:
        app()
    except BenchError as error:
        say(f"error: {error}", error=True)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away: that is no error of ours.
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
