"""Commands on labelled images that a method makes: annotate, export."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import Data, DataRoot, Device, ProfileName, Protocol, Set, StoreFolder, home
from bench.grid import defaults

app = typer.Typer()


@app.command()
def export(
    method: Annotated[str, typer.Argument(help="A method that makes labelled images: datasetgan.")],
    out: Annotated[Path, typer.Option(help="Folder to write, which is not there yet.", callback=home)],
    count: Annotated[int, typer.Option(help="Images to generate, of which the least certain are left out.", min=1)],
    profile: ProfileName = None,
    data_root: DataRoot = None,
    data: Data = None,
    seed: Annotated[int, typer.Option(help="Which model, and which labelled images: the seed.", min=0)] = 0,
    set_: Set = None,
    protocol: Protocol = "default",
    device: Device = "auto",
    store: StoreFolder = defaults.STORE,
) -> None:
    """Generate labelled images for use elsewhere: images/, masks/ (indexed PNG) and manifest.json, which has the
    classes and how uncertain each image's labels are. What is taught by is few_shot_parts' labelled images.

    The generator is trained first where the store has none. What is cut short is gone on with.

    Example:  python -m bench export datasetgan --count 500 --out labelled --set few_shot_parts.labelled_images=16
    """
    from bench.commands.export import export_command

    export_command(
        method=method,
        out=out,
        count=count,
        profile=profile,
        data_root=data_root,
        data=data,
        seed=seed,
        settings=set_ or [],
        protocol=protocol,
        device=device,
        store=store,
    )


@app.command()
def annotate(
    method: Annotated[str, typer.Argument(help="A method that is taught by labelled images of its own: datasetgan.")],
    out: Annotated[Path, typer.Option(help="Folder to write, which is not there yet.", callback=home)],
    count: Annotated[int, typer.Option(help="Samples to draw.", min=1)] = 16,
    profile: ProfileName = None,
    data_root: DataRoot = None,
    data: Data = None,
    seed: Annotated[int, typer.Option(help="Which of the trained models: its seed.", min=0)] = 0,
    set_: Set = None,
    protocol: Protocol = "default",
    device: Device = "auto",
    store: StoreFolder = defaults.STORE,
) -> None:
    """Draw samples of a generator for a person to annotate: images/, classes.json (numbers and colours), an empty
    masks/ to fill, and the latents. Masks come back as indexed PNG, LabelMe's files or CVAT's export.

    The generator is trained first where the store has none.

    Example:  python -m bench annotate datasetgan --count 16 --out samples

    then      python -m bench run --methods datasetgan --tasks few_shot_parts --set datasetgan.annotations=samples
    """
    from bench.commands.annotate import annotate_command

    annotate_command(
        method=method,
        out=out,
        count=count,
        profile=profile,
        data_root=data_root,
        data=data,
        seed=seed,
        settings=set_ or [],
        protocol=protocol,
        device=device,
        store=store,
    )
