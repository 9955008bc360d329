"""`python -m bench`: see `bench.cli.app`."""

import io
import sys

from datasets.errors import BenchError


def main() -> None:
    """Run the command line; bad input is one line on standard error and exit code 2."""
    from bench.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        # Marks such as a tick are replaced where the terminal's or the file's encoding lacks them.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away: that is no error of ours.
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
