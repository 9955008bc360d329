"""`python -m bench`: see `bench.cli.app`."""

import sys

from bench.streams import abandon, prepare, say
from bench.surroundings import told
from datasets.errors import BenchError


def main() -> None:
    """Run the command line; bad input is one line on standard error and exit code 2, a fault of the machine (a full
    disk, too little memory) one line and exit code 1."""
    prepare()
    try:
        from bench.cli.app import app

        try:
            app()
        finally:
            sys.stdout.flush()  # what cannot be written is said here, and not by the interpreter at its end
    except BenchError as error:
        say(f"error: {error}", error=True)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away: that is no error of ours.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if (line := told(error)) is None:
            raise
        abandon(sys.stdout)
        say(f"error: {line}; what was computed is kept, and the same command goes on from there", error=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
