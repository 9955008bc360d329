"""The command line. Options and help only: what a command does lies in `bench.commands` and is imported when it runs,
so that `--help` and `list` import no torch."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.grid.catalogue import DATASETS, METHODS, PROFILES, TASKS

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Benchmark learned image representations on the published protocol: methods x tasks, one table.",
    epilog="Start with:  python -m bench run --methods all --tasks bbt,buffy",
)

RUN_HELP = """Train or load every method, encode every task's images once, evaluate, and print the table.

Without datasets it runs on synthetic stand-ins, marked as such. Repeating a command computes nothing twice; Ctrl-C
loses at most the current training epoch.

Examples:

  python -m bench run --methods all --tasks bbt,buffy

  python -m bench run --methods 'pdr*' --tasks bbt --data-root /data --profile paper --seeds 0,1,2

  python -m bench run --methods pdr,timm:resnet18 --tasks bbt --set pdr.nf=32 --dry-run

  python -m bench run --methods mine.py:MyMethod --tasks tracks:my_tracks
"""

Store = Annotated[Path, typer.Option("--store", help="Folder of everything computed.", envvar="BENCH_STORE")]
STORE = Path("results") / "store"
TABLES = "1, 2, 3, 4, nmi, pcc, subsets, truth, disentanglement, finch or all."


@app.command(help=RUN_HELP)
def run(
    methods: Annotated[str, typer.Option(help="Names, wildcards, `all`, timm:NAME or FILE.py:CLASS.")] = "all",
    tasks: Annotated[str, typer.Option(help="Names, wildcards, `all`, tracks:DIR or images:DIR.")] = "all",
    profile: Annotated[
        str | None,
        typer.Option(help="smoke, mini or paper [default: paper with a GPU and real data, else mini]"),
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(help="Folder with one folder per real dataset.", envvar="BENCH_DATA"),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="`synthetic`: the embedded stand-ins, even where a data root is set."),
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="Seeds, as 0,1,2 or 0-4, or by source of variation: `fit=0-4;split=0;evaluate=0`.")
    ] = "0",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="METHOD.KEY=VALUE or TASK.KEY=VALUE; may be repeated."),
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="`default`: as the paper says; `released`: as the authors' code does.")
    ] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    jobs: Annotated[int, typer.Option(help="Worker processes; 0: one per CPU core, or one on a GPU.", min=0)] = 0,
    baselines: Annotated[bool, typer.Option(help="Also run chance, raw_pixels and random_init.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Compute again what the store already has.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and compute nothing.")] = False,
    profile_time: Annotated[
        bool, typer.Option("--profile-time", help="Also print where the time went: data, network, render, ...")
    ] = False,
    suite: Annotated[str, typer.Option(help="Name of the MLflow experiment.")] = "pdr-bench",
    mirror: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Mirror the records to MLflow.")] = True,
    store: Store = STORE,
) -> None:
    from bench.commands.run import run_command

    raise typer.Exit(
        run_command(
            methods=methods,
            tasks=tasks,
            profile=profile,
            data_root=data_root,
            data=data,
            seeds=seeds,
            settings=set_ or [],
            protocol=protocol,
            device=device,
            jobs=jobs,
            baselines=baselines,
            force=force,
            dry_run=dry_run,
            profile_time=profile_time,
            suite=suite,
            mirror=mirror,
            store=store,
        )
    )


@app.command("list")
def list_(
    what: Annotated[Literal["methods", "tasks", "datasets", "profiles"], typer.Argument(help="What to list.")],
) -> None:
    """List what is registered, built in or from installed packages.

    Example:  python -m bench list methods
    """
    registries = {"methods": METHODS, "tasks": TASKS, "datasets": DATASETS}
    if what == "profiles":
        rows = [(profile.name, profile.summary) for profile in PROFILES.values()]
    else:
        rows = [
            (f"{entry.name}:{entry.argument.upper()}" if entry.argument else entry.name, entry.summary)
            for entry in registries[what].entries().values()
        ]
    width = max(len(name) for name, _ in rows)
    for name, summary in rows:
        typer.echo(f"{name:<{width}}  {summary}")


@app.command()
def why(
    cell: Annotated[str, typer.Argument(help="METHOD/TASK or METHOD/TASK/SEED.")],
    profile: Annotated[str | None, typer.Option(help="smoke, mini or paper.")] = None,
    data_root: Annotated[Path | None, typer.Option(envvar="BENCH_DATA", help="As for run.")] = None,
    data: Annotated[str | None, typer.Option(help="As for run.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="As for run.")] = None,
    protocol: Annotated[str, typer.Option(help="As for run.")] = "default",
    device: Annotated[str, typer.Option(help="As for run.")] = "auto",
    store: Store = STORE,
) -> None:
    """Say whether a cell is cached, and if not, what changed since its latest record.

    Example:  python -m bench why pdr/bbt --set pdr.nf=32
    """
    from bench.commands.why import why_command

    why_command(
        cell,
        profile=profile,
        data_root=data_root,
        data=data,
        settings=set_ or [],
        protocol=protocol,
        device=device,
        store=store,
    )


@app.command()
def doctor(
    methods: Annotated[str | None, typer.Argument(help="Methods to check, as for run.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="As for run.")] = None,
    profile: Annotated[str, typer.Option(help="Configuration to check.")] = "smoke",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    data_root: Annotated[Path | None, typer.Option(envvar="BENCH_DATA", help="As for run.")] = None,
    store: Store = STORE,
) -> None:
    """Check the environment, or that a method keeps its promises.

    Without a method: torch and torchvision, GPU, renderer backends, datasets and weights found and where they are
    looked for, a shadowed `datasets` package. With one: shape, determinism, batch invariance, eval mode, finite values.

    Examples:

      python -m bench doctor

      python -m bench doctor mine.py:MyMethod
    """
    if methods is None:
        from bench.commands.doctor_environment import environment_command

        raise typer.Exit(environment_command(data_root, store))
    from bench.commands.doctor import doctor_command

    raise typer.Exit(doctor_command(methods, settings=set_ or [], profile=profile, device=device, store=store))


RENDER_HELP = """Take your own images apart with a trained PDR and show the objects from new views and in new light.

Writes a sheet (.png: a row per image; the input as the model takes it, its reconstruction, then every pose) or an
animation (.gif, forth and back). A photograph is turned upright and cut to its centred square: crop it to the object
first. Nothing is trained: the model must have been, by `run` with the same profile, data and settings.

Angles are degrees from -90 to 90. Positive yaw turns the object to the picture's left, positive pitch down, both from
the view that it is seen in; lights come from the picture's left and from above where positive, and are fixed to the
object.

Examples:

  python -m bench render --image me.jpg --out me.png

  python -m bench render --image me.jpg --image you.png --yaw -60:60 --light sweep --out both.gif

  python -m bench render --method pdr_loocc_lv --image photos/ --yaw 0 --light 30,45 --size 256 --out lit.png

  python -m bench render --domain cars --image car.png --yaw -30,0,30 --pitch 10 --out car.png
"""


@app.command()
def explain(
    attribute: Annotated[str, typer.Option(help="One of CelebA's 40 attributes, such as Smiling.")],
    method: Annotated[str, typer.Option(help="As for run; its features must have groups.")] = "pdr",
    task: Annotated[str, typer.Option(help="Whose head: celeba_linear.")] = "celeba_linear",
    out: Annotated[Path | None, typer.Option(help="Copy of the Grad-CAM picture, .png.")] = None,
    profile: Annotated[str | None, typer.Option(help="smoke, mini or paper, as for run.")] = None,
    data_root: Annotated[Path | None, typer.Option(envvar="BENCH_DATA", help="As for run.")] = None,
    data: Annotated[str | None, typer.Option(help="As for run.")] = None,
    seeds: Annotated[str, typer.Option(help="As for run.")] = "0",
    set_: Annotated[list[str] | None, typer.Option("--set", help="As for run.")] = None,
    protocol: Annotated[str, typer.Option(help="As for run.")] = "default",
    device: Annotated[str, typer.Option(help="As for run.")] = "auto",
    suite: Annotated[str, typer.Option(help="As for run.")] = "pdr-bench",
    mirror: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="As for run.")] = True,
    store: Store = STORE,
) -> None:
    """Ask what a head goes by to tell an attribute of a face (figure 4 of the paper).

    Integrated gradients give the percentage of each group of features (geometry, albedo, light and view of PDR), and
    Grad-CAM shows where on the image each group's encoder looks. What is missing is trained first, as by `run`, and
    kept like everything else: `run --tasks attribution:ATTRIBUTE` is the same cell.

    Examples:

      python -m bench explain --method pdr_loocc_lv --attribute Smiling --out smiling.png

      python -m bench explain --method pdr,stylegan2_e4e --attribute Eyeglasses --profile smoke
    """
    from bench.commands.explain import explain_command

    raise typer.Exit(
        explain_command(
            method=method,
            task=task,
            attribute=attribute,
            out=out,
            profile=profile,
            data_root=data_root,
            data=data,
            seeds=seeds,
            settings=set_ or [],
            protocol=protocol,
            device=device,
            suite=suite,
            mirror=mirror,
            store=store,
        )
    )


@app.command(help=RENDER_HELP)
def render(
    image: Annotated[list[Path], typer.Option(help="An image or a folder of images; may be repeated.")],
    out: Annotated[Path, typer.Option(help="File to write, .png or .gif.")],
    method: Annotated[str, typer.Option(help="pdr or a variant of it, as for run.")] = "pdr",
    yaw: Annotated[
        str | None,
        typer.Option(help="One angle, a list A,B,C or a sweep A:B; left out: -45:45, or 0 with a new light."),
    ] = None,
    pitch: Annotated[float, typer.Option(help="One angle.")] = 0.0,
    light: Annotated[
        str, typer.Option(help="none (as predicted), left, right, sweep (left to right) or AZIMUTH,ELEVATION.")
    ] = "none",
    frames: Annotated[
        int | None, typer.Option(help="Poses of a sweep; left out: 7 on a sheet, 24 in an animation.", min=2, max=240)
    ] = None,
    size: Annotated[int, typer.Option(help="Side of every picture in pixels.", max=1024)] = 128,
    domain: Annotated[str, typer.Option(help="What the images show: faces or cars.")] = "faces",
    profile: Annotated[str | None, typer.Option(help="smoke, mini or paper, as for run.")] = None,
    data_root: Annotated[Path | None, typer.Option(envvar="BENCH_DATA", help="As for run.")] = None,
    data: Annotated[str | None, typer.Option(help="As for run.")] = None,
    seed: Annotated[int, typer.Option(help="Which of the trained models: its seed.", min=0)] = 0,
    set_: Annotated[list[str] | None, typer.Option("--set", help="As for run.")] = None,
    protocol: Annotated[str, typer.Option(help="As for run.")] = "default",
    device: Annotated[str, typer.Option(help="As for run.")] = "auto",
    store: Store = STORE,
) -> None:
    from bench.commands.render import render_command

    render_command(
        method=method,
        images=image,
        out=out,
        yaw=yaw,
        pitch=pitch,
        light=light,
        frames=frames,
        size=size,
        domain=domain,
        profile=profile,
        data_root=data_root,
        data=data,
        seed=seed,
        settings=set_ or [],
        protocol=protocol,
        device=device,
        store=store,
    )


@app.command("import-weights")
def import_weights(
    method: Annotated[str, typer.Argument(help="The method that the weights are for, such as pdr.")],
    file: Annotated[Path, typer.Argument(help="A checkpoint of the original code (.pth).")],
    name: Annotated[str | None, typer.Option(help="What to call them [default: the file's name]")] = None,
    store: Store = STORE,
) -> None:
    """Take over a checkpoint of the original code: tensors only, nothing is unpickled.

    Example:  python -m bench import-weights pdr unsup3d_celeba.pth --name celeba

    then      python -m bench run --methods pdr --tasks bbt --profile paper --set pdr.weights=celeba
    """
    from bench.commands.weights import import_weights_command

    import_weights_command(method, file, name or file.stem, store)


mlflow = typer.Typer(no_args_is_help=True, help="The MLflow mirror of the records.")
app.add_typer(mlflow, name="mlflow")


@mlflow.command()
def sync(
    store: Store = STORE,
    uri: Annotated[str | None, typer.Option(envvar="MLFLOW_TRACKING_URI", help="Tracking server or file.")] = None,
) -> None:
    """Mirror every recorded run to MLflow; what is there already is left alone."""
    from bench.commands.mirror import sync_command

    sync_command(store, uri)


@app.command()
def ui(
    store: Store = STORE,
    port: Annotated[int, typer.Option(help="Port of the page.")] = 5000,
) -> None:
    """Open MLflow's page on the store in use."""
    from bench.commands.mirror import ui_command

    ui_command(store, port)


@app.command()
def report(
    run: Annotated[str | None, typer.Argument(help="Identity of a run [default: the latest]")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write [default: results/reports/RUN.html]")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    store: Store = STORE,
) -> None:
    """Write one self-contained HTML page of a run: tables, charts, pictures, costs, provenance, BibTeX.

    Example:  python -m bench report --open
    """
    from bench.commands.report import report_command

    report_command(run, output, open_page=open_, store=store)


@app.command()
def table(
    name: Annotated[str, typer.Argument(help=TABLES)],
    format_: Annotated[str, typer.Option("--format", help="md, latex, csv or html.")] = "md",
    profile: Annotated[str | None, typer.Option(help="Whose records [default: the newest's]")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write [default: print it]")] = None,
    store: Store = STORE,
) -> None:
    """Make a table of the paper from the records: ours with its interval, the published figure, the difference, a
    verdict. Cells that are missing are listed with the command that fills them.

    Examples:

      python -m bench table 1

      python -m bench table all --format latex --output tables.tex
    """
    from bench.commands.table import table_command

    table_command(name, format_, profile, output, store)


@app.command()
def cite(name: Annotated[str, typer.Argument(help=f"A table: {TABLES}")]) -> None:
    """Print the BibTeX of exactly a table's methods, datasets and metrics.

    Example:  python -m bench cite 1
    """
    from bench.commands.table import cite_command

    cite_command(name)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A run's identity, its manifest's file, or a store's folder.")],
    second: Annotated[str, typer.Argument(help="The run to compare with it.")],
    format_: Annotated[str, typer.Option("--format", help="md or csv.")] = "md",
    store: Store = STORE,
) -> None:
    """Show how two runs' metrics differ, with 95 % intervals of the paired difference.

    Example:  python -m bench compare 20261101T101500Z-1a2b3c 20261102T090000Z-4d5e6f
    """
    from bench.commands.compare import compare_command

    compare_command(first, second, format_, store)


@app.command()
def publish(
    run: Annotated[str | None, typer.Argument(help="Identity of a run [default: the latest]")] = None,
    store: Store = STORE,
) -> None:
    """Take a run's tables and figures into results/PROFILE/, and README's table out of them (for maintainers).

    Example:  python -m bench run --methods all --tasks all --profile mini && python -m bench publish
    """
    from bench.commands.publish import publish_command

    publish_command(run, store)


@app.command()
def calibrate(
    runs: Annotated[int, typer.Option(help="Seeds to run, from 0.")] = 5,
    methods: Annotated[str, typer.Option(help="As for run.")] = "all",
    tasks: Annotated[str, typer.Option(help="As for run.")] = "all",
    profile: Annotated[str, typer.Option(help="As for run.")] = "smoke",
    output: Annotated[Path | None, typer.Option(help="File to write [default: results/reference/PROFILE.json]")] = None,
    store: Store = STORE,
) -> None:
    """Measure how much a suite's numbers vary by themselves, and write the reference that `check` compares with.

    Example:  python -m bench calibrate --runs 5
    """
    from bench.commands.regression import calibrate_command
    from bench.results.regression import Suite

    suite = Suite(methods=methods, tasks=tasks, profile=profile)
    raise typer.Exit(calibrate_command(runs, suite, output, store))


@app.command()
def check(
    reference: Annotated[Path, typer.Option(help="File of a reference, as `calibrate` writes it.")] = Path("results")
    / "reference"
    / "smoke.json",
    store: Store = STORE,
) -> None:
    """Run the suite of a reference again and compare every number with it, for CI.

    Exit code: 0 the same, 1 a regression, 2 bad usage, 3 the environment differs so much that the comparison is void,
    4 a cell crashed.

    Example:  python -m bench check --reference results/reference/smoke.json
    """
    from bench.commands.regression import check_command

    raise typer.Exit(check_command(reference, store))


data_app = typer.Typer(no_args_is_help=True, help="What is in a dataset, and whether it is the official one.")
app.add_typer(data_app, name="data")
DatasetName = Annotated[str, typer.Argument(help="A name that `bench list datasets` knows, tracks:DIR or images:DIR.")]
DataRoot = Annotated[Path | None, typer.Option("--data-root", "--root", envvar="BENCH_DATA", help="As for run.")]


@data_app.command()
def describe(
    name: DatasetName,
    data_root: DataRoot = None,
    data: Annotated[str | None, typer.Option(help="As for run.")] = None,
    profile: Annotated[str, typer.Option(help="Size of a stand-in: smoke, mini or paper.")] = "smoke",
    store: Store = STORE,
) -> None:
    """Count a dataset's images, labels and tracks, and name the files that were left out.

    Example:  python -m bench data describe celeba --data-root /data
    """
    from bench.commands.data import data_command

    raise typer.Exit(data_command(name, verify=False, data_root=data_root, data=data, profile=profile, store=store))


@data_app.command()
def verify(
    name: DatasetName,
    data_root: DataRoot = None,
    store: Store = STORE,
) -> None:
    """Decode every file of a real dataset and compare the counts with the official distribution; exit code 1 if they
    differ or files had to be left out.

    Example:  python -m bench data verify rafdb --data-root /data
    """
    from bench.commands.data import data_command

    raise typer.Exit(data_command(name, verify=True, data_root=data_root, data=None, profile="smoke", store=store))
