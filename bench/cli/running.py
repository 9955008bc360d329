"""Commands that compute: run, why, doctor, explain, render, import-weights."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import (
    Data,
    DataRoot,
    Device,
    Methods,
    Mirror,
    ProfileName,
    Protocol,
    Seeds,
    Set,
    StoreFolder,
    Suite,
    Tasks,
    home,
    homes,
)
from bench.cli.with_config import WithConfig
from bench.grid import defaults

app = typer.Typer()

RUN_HELP = """Train or load every method, encode every task's images once, evaluate, and print the table.

Without datasets it runs on synthetic stand-ins, marked as such. Repeating a command computes nothing twice; Ctrl-C
loses at most the current training epoch.

Examples:

  python -m bench run --methods all --tasks bbt,buffy

  python -m bench run --methods 'pdr*' --tasks bbt --data-root /data --profile paper --seeds 0,1,2

  python -m bench run --methods pdr,timm:resnet18 --tasks bbt --set pdr.nf=32 --dry-run

  python -m bench run --methods mine.py:MyMethod --tasks tracks:my_tracks

  python -m bench run --methods vqvae --tasks bbt --sweep vqvae.width=16,32 --limit 50

  python -m bench run --config results/store/invocations/20261101T101500Z-1a2b3c.yaml
"""


@app.command(help=RUN_HELP, cls=WithConfig)
def run(
    methods: Methods = "all",
    tasks: Tasks = "all",
    profile: ProfileName = None,
    data_root: DataRoot = None,
    data: Data = None,
    seeds: Seeds = "0",
    set_: Set = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(help="METHOD.KEY=VALUE,VALUE: a row per value; may be repeated, then one per combination."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Test on so many items of each test set; such rows stand apart.", min=1)
    ] = None,
    protocol: Protocol = "default",
    device: Device = "auto",
    jobs: Annotated[int, typer.Option(help="Worker processes; 0: one per CPU core, or one on a GPU.", min=0)] = 0,
    baselines: Annotated[bool, typer.Option(help="Also run chance, raw_pixels and random_init.")] = True,
    threads: Annotated[
        int,
        typer.Option(help="Threads of each cell; other numbers of them give numbers that differ in their last digits."),
    ] = 1,
    memory: Annotated[
        float | None,
        typer.Option(help="GiB that all processes of the run may take together; no more of them work than fit."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compute again what the store already has.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and compute nothing.")] = False,
    profile_time: Annotated[
        bool, typer.Option("--profile-time", help="Also print where the time went: data, network, render, ...")
    ] = False,
    _config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="TOML or YAML with these options by their names; the command line goes before it.",
            callback=home,
        ),
    ] = None,
    suite: Suite = defaults.SUITE,
    mlflow: Mirror = True,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Run a grid; `RUN_HELP` is what the user reads."""
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
            sweep=sweep or [],
            limit=limit,
            protocol=protocol,
            device=device,
            jobs=jobs,
            threads=threads,
            memory=memory,
            baselines=baselines,
            force=force,
            dry_run=dry_run,
            profile_time=profile_time,
            suite=suite,
            mirror=mlflow,
            store=store,
        )
    )


@app.command()
def why(
    cell: Annotated[str, typer.Argument(help="METHOD/TASK or METHOD/TASK/SEED.")],
    profile: ProfileName = None,
    data_root: DataRoot = None,
    data: Data = None,
    set_: Set = None,
    protocol: Protocol = "default",
    device: Device = "auto",
    store: StoreFolder = defaults.STORE,
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
    set_: Set = None,
    profile: Annotated[str, typer.Option(help="Configuration to check.")] = "smoke",
    device: Device = "auto",
    data_root: DataRoot = None,
    store: StoreFolder = defaults.STORE,
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
    out: Annotated[Path | None, typer.Option(help="Copy of the Grad-CAM picture, .png.", callback=home)] = None,
    profile: ProfileName = None,
    data_root: DataRoot = None,
    data: Data = None,
    seeds: Seeds = "0",
    set_: Set = None,
    protocol: Protocol = "default",
    device: Device = "auto",
    suite: Suite = defaults.SUITE,
    mirror: Mirror = True,
    store: StoreFolder = defaults.STORE,
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
    image: Annotated[list[Path], typer.Option(help="An image or a folder of images; may be repeated.", callback=homes)],
    out: Annotated[Path, typer.Option(help="File to write, .png or .gif.", callback=home)],
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
    profile: ProfileName = None,
    data_root: DataRoot = None,
    data: Data = None,
    seed: Annotated[int, typer.Option(help="Which of the trained models: its seed.", min=0)] = 0,
    set_: Set = None,
    protocol: Protocol = "default",
    device: Device = "auto",
    store: StoreFolder = defaults.STORE,
) -> None:
    """Render a user's images; `RENDER_HELP` is what the user reads."""
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
    file: Annotated[Path, typer.Argument(help="A checkpoint of the original code (.pth).", callback=home)],
    name: Annotated[str | None, typer.Option(help="What to call them [default: the file's name]")] = None,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Take over a checkpoint of the original code: tensors only, nothing is unpickled.

    Example:  python -m bench import-weights pdr unsup3d_celeba.pth --name celeba

    then      python -m bench run --methods pdr --tasks bbt --profile paper --set pdr.weights=celeba
    """
    from bench.commands.weights import import_weights_command

    import_weights_command(method, file, file.stem if name is None else name, store)
