"""A command whose options may come from a file. Imports no torch."""

from typing import Any

from typer.core import TyperCommand


class WithConfig(TyperCommand):
    """A command with an option `--config FILE`: what the command line leaves out is as the file says, and only where
    neither says anything as the environment or the default does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as every command does, and put the file's values in the place of those that were not typed.

        Raises BenchError where the file is none of options.
        """
        rest = super().parse_args(ctx, args)
        if (file := ctx.params["_config"]) is not None:
            from bench.grid.config import read_config

            sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
            typed = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
            if typed & {"data", "data_root"}:  # which are one choice: a file's stand-ins would hide real data
                typed |= {"data", "data_root"}
            ctx.params.update({name: value for name, value in read_config(file).items() if name not in typed})
        return rest
