"""`bench publish`: a run's tables and figures into `results/`, for a maintainer to commit."""

from pathlib import Path

from bench.commands.report import chosen_run
from bench.pipeline.store import Store
from bench.results.publish import publish
from bench.results.readme import readme_table, readme_text, update_readme
from bench.streams import say

ROOT = Path(__file__).parents[2]


def publish_command(run: str | None, store: Path) -> None:
    """Write `results/PROFILE/` from the run named (by default the latest), and README's table and text from that."""
    place = Store(store)
    invocation = chosen_run(run, place)
    folder = ROOT / "results" / invocation.profile
    for path in publish(invocation.records(place.root), place, folder):
        say(path.relative_to(ROOT))
    if invocation.profile == "mini":
        for name, made in (("table: mini", readme_table), ("text: mini", readme_text)):
            update_readme(ROOT / "README.md", name, made(folder / "table.csv"))
        say("README.md")
