"""The cars: proportions and paint of each class, and the mesh that they make.

Classes differ in shape and in paint, and within a class both vary: a police car is a saloon in two colours under a
light bar, an ambulance a tall white box with a stripe and a cross, a limousine three cars long, a jeep a high, upright
box on large wheels with a spare one behind, a ferrari a low, wide wedge with a small cabin and a wing.
"""

from dataclasses import dataclass, replace

import numpy as np

from datasets.shapenet_cars import CLASSES
from datasets.synthetic.cars.parts import (
    BODY,
    BUMPER,
    DOOR,
    GRILLE,
    LIGHTS,
    ROOF,
    TIRE,
    WINDOW,
    WINDSHIELD,
)
from datasets.synthetic.cars.solids import Colour, Mesh, Slab

GLASS: Colour = (0.16, 0.2, 0.26)
DARK: Colour = (0.08, 0.08, 0.09)
LAMP: Colour = (0.95, 0.93, 0.8)
TAIL: Colour = (0.6, 0.04, 0.05)
CHROME: Colour = (0.7, 0.72, 0.74)
WHITE: Colour = (0.92, 0.92, 0.92)
BLUE: Colour = (0.05, 0.15, 0.85)
RED: Colour = (0.8, 0.04, 0.05)
# Everyday paint.
PAINTS: tuple[Colour, ...] = (
    *((0.75, 0.75, 0.77), (0.2, 0.2, 0.22), (0.9, 0.9, 0.88), (0.14, 0.28, 0.6), (0.6, 0.08, 0.12)),
    *((0.14, 0.42, 0.25), (0.65, 0.5, 0.3), (0.42, 0.44, 0.48), (0.9, 0.65, 0.1), (0.36, 0.6, 0.78)),
)


@dataclass(frozen=True)
class Car:
    """Proportions in metres and paint.

    Attributes
    ----------
    kind: 0 to 4 in the order of `datasets.shapenet_cars.CLASSES`, -1 for an everyday car.
    clearance, waist, roof: heights of the floor, of the windows' lower edge, and of the roof.
    bonnet, boot: shares of the length before the windscreen and behind the rear window.
    front, rear: lean of the windscreen and of the rear window, as shares of the length.
    nose: height of the bonnet's front, as a share of the waist's.
    inward: how much narrower the roof is than the body, as a share.
    wheel: radius of the wheels.
    windows: windows of each side behind the windscreen; a car with a `stripe` has those of its driver only.
    second: paint of the doors.
    """

    kind: int
    length: float
    width: float
    clearance: float
    waist: float
    roof: float
    bonnet: float
    boot: float
    front: float
    rear: float
    nose: float
    inward: float
    wheel: float
    windows: int
    paint: Colour
    second: Colour
    hub: Colour
    light_bar: bool = False
    stripe: bool = False
    spare: bool = False
    wing: bool = False


# What every class is made from by changing some of it.
SALOON = Car(
    kind=-1,
    length=4.4,
    width=1.76,
    clearance=0.22,
    waist=0.92,
    roof=1.44,
    bonnet=0.27,
    boot=0.16,
    front=0.09,
    rear=0.08,
    nose=0.8,
    inward=0.2,
    wheel=0.32,
    windows=2,
    paint=PAINTS[0],
    second=PAINTS[0],
    hub=CHROME,
)


def draw_car(rng: np.random.Generator, kind: int) -> Car:
    """A car of a class (-1: an everyday one), proportions varied by a few percent, paint as the class has it."""
    paint = PAINTS[rng.integers(len(PAINTS))]
    base = replace(SALOON, kind=kind, paint=paint, second=paint)
    name = CLASSES[kind] if kind >= 0 else "everyday"
    if name == "police car":
        dark = ((0.11, 0.11, 0.13), (0.07, 0.14, 0.45))[rng.integers(2)]
        base = replace(base, length=4.8, paint=dark, second=WHITE, light_bar=True, hub=DARK)
    elif name == "ambulance":
        base = replace(base, length=5.4, width=2.0, clearance=0.3, waist=1.25, roof=2.45, bonnet=0.16, boot=0.0)
        base = replace(base, front=0.05, rear=0.0, nose=0.85, inward=0.03, wheel=0.37, windows=1)
        base = replace(base, paint=WHITE, second=WHITE, light_bar=True, stripe=True)
    elif name == "limousine":
        tone = ((0.13, 0.13, 0.14), WHITE, (0.17, 0.17, 0.24))[rng.integers(3)]
        base = replace(base, length=8.4, width=1.85, bonnet=0.15, boot=0.11, front=0.05, rear=0.045, windows=5)
        base = replace(base, paint=tone, second=tone)
    elif name == "jeep":
        tone = ((0.36, 0.43, 0.2), (0.66, 0.56, 0.36), (0.32, 0.36, 0.27), (0.7, 0.38, 0.1))[rng.integers(4)]
        base = replace(base, length=3.8, width=1.72, clearance=0.5, waist=1.2, roof=1.86, bonnet=0.34, boot=0.0)
        base = replace(base, front=0.02, rear=0.0, nose=0.97, inward=0.06, wheel=0.44, spare=True)
        base = replace(base, paint=tone, second=tone, hub=DARK)
    elif name == "ferrari":
        tone = ((0.85, 0.05, 0.05), (0.78, 0.08, 0.04), (0.92, 0.74, 0.05))[rng.choice(3, p=(0.6, 0.25, 0.15))]
        base = replace(base, length=4.4, width=1.96, clearance=0.13, waist=0.72, roof=1.12, bonnet=0.36, boot=0.2)
        base = replace(base, front=0.15, rear=0.17, nose=0.55, inward=0.34, wheel=0.35, windows=1, wing=True)
        base = replace(base, paint=tone, second=tone)
    else:
        shape = rng.integers(3)  # 0 a saloon, 1 a hatchback, 2 an estate
        if shape == 1:
            base = replace(base, length=3.9, roof=1.5, bonnet=0.24, boot=0.02, rear=0.05)
        elif shape == 2:
            base = replace(base, length=4.6, roof=1.68, waist=1.02, bonnet=0.24, boot=0.04, clearance=0.28, wheel=0.36)
    return varied(base, rng)


def varied(car: Car, rng: np.random.Generator) -> Car:
    """The car with lengths a few percent off, and its paint a shade off."""
    by = {name: getattr(car, name) * rng.uniform(0.95, 1.05) for name in ("length", "width", "waist", "roof", "wheel")}
    by |= {name: getattr(car, name) * rng.uniform(0.88, 1.12) for name in ("bonnet", "boot", "front", "rear", "nose")}
    shade = rng.uniform(0.88, 1.08)
    return replace(car, **by, paint=shaded(car.paint, shade), second=shaded(car.second, shade))


def shaded(colour: Colour, by: float) -> Colour:
    """A colour made lighter or darker."""
    red, green, blue = (min(1.0, by * part) for part in colour)
    return red, green, blue


def build(car: Car) -> Mesh:
    """The car's mesh, centred over the origin in x and z, standing on y = 0."""
    mesh = Mesh()
    half, end = car.length / 2, -car.length / 2
    screen, window = half - car.bonnet * car.length, end + car.boot * car.length
    sill = car.clearance + 0.45 * (car.waist - car.clearance)
    floor = Slab(car.clearance, end + 0.05, half - 0.05, car.width * 0.96)
    belt = Slab(sill, end, half, car.width)
    mesh.between(floor, belt, car.paint, bottom=DARK)
    _upper_body(mesh, car, belt, screen, window)
    _cabin(mesh, car, screen, window)
    for side in (-1, 1):
        for name, place in (
            ("front_wheel", half - 0.19 * _wheelbase(car)),
            ("back_wheel", end + 0.19 * _wheelbase(car)),
        ):
            mesh.wheel(side * car.width * 0.51, car.wheel, place, car.wheel, 0.24, car.hub)
            mesh.mark(side, name, car.width * 0.51, car.wheel, place)
    _lamps(mesh, car, belt, half, end)
    _extras(mesh, car, half, end, screen, window)
    return mesh


def _wheelbase(car: Car) -> float:
    """The length that overhangs follow: a stretched car is stretched between its wheels."""
    return min(car.length, 4.8)


def _upper_body(mesh: Mesh, car: Car, belt: Slab, screen: float, window: float) -> None:
    """Doors, bonnet and boot, from the belt line up to the windows."""
    waist = Slab(car.waist, window, screen, car.width * 0.97)
    doors = {"left": DOOR, "right": DOOR}
    mesh.between(Slab(belt.y, window, screen, car.width), waist, car.paint, doors, left=car.second, right=car.second)
    nose = belt.y + car.nose * (car.waist - belt.y)
    _wedge(mesh, belt, screen, belt.front, car.waist, nose, car)
    if car.boot > 0:
        _wedge(mesh, belt, window, belt.back, car.waist, car.waist * 0.97, car)


def _wedge(mesh: Mesh, belt: Slab, near: float, far: float, height: float, lower: float, car: Car) -> None:
    """The body between the cabin (at `near`, `height` high) and an end of the car (at `far`, `lower` high)."""
    w, narrow = belt.width / 2, belt.width / 2 * 0.95
    base = [(-w, belt.y, near), (w, belt.y, near), (w, belt.y, far), (-w, belt.y, far)]
    top = [(-narrow, height, near), (narrow, height, near), (narrow, lower, far), (-narrow, lower, far)]
    corners = np.array([*base, *top])
    for chosen in ((4, 5, 6, 7), (3, 2, 6, 7), (0, 3, 7, 4), (1, 2, 6, 5)):
        mesh.quad(corners[list(chosen)], car.paint)


def _cabin(mesh: Mesh, car: Car, screen: float, window: float) -> None:
    """Roof, pillars and glass."""
    lower = Slab(car.waist, window, screen, car.width * 0.95)
    upper = Slab(
        car.roof, window + car.rear * car.length, screen - car.front * car.length, car.width * (0.95 - car.inward)
    )
    mesh.between(lower, upper, car.paint, {"top": ROOF})
    for left in (-1, 1):
        mesh.mark(left, "front_roof", upper.width / 2, upper.y, upper.front)
        mesh.mark(left, "back_roof", upper.width / 2, upper.y, upper.back)
    mesh.part = WINDSHIELD
    mesh.patch(lower, upper, "front", (0.06, 0.94, 0.08, 0.92), GLASS)
    mesh.part = WINDOW
    mesh.patch(lower, upper, "back", (0.1, 0.9, 0.3 if car.stripe else 0.12, 0.88), GLASS)
    for side in ("left", "right"):
        if car.stripe:  # a van: windows for the driver only
            mesh.patch(lower, upper, side, (0.74, 0.95, 0.05, 0.5), GLASS)
            continue
        for n in range(car.windows):
            step = 0.9 / car.windows
            mesh.patch(lower, upper, side, (0.06 + n * step, 0.03 + (n + 1) * step, 0.1, 0.85), GLASS)
    mesh.part = BODY


def _lamps(mesh: Mesh, car: Car, belt: Slab, half: float, end: float) -> None:
    """Head lamps, tail lamps, grille and bumpers."""
    low = belt.y - 0.05
    for side in (-1, 1):
        x0, x1 = sorted((side * car.width * 0.28, side * car.width * 0.46))
        mesh.part = LIGHTS
        mesh.box((x0, low - 0.02, half - 0.03), (x1, low + 0.13, half + 0.02), LAMP)
        mesh.mark(side, "light", car.width * 0.37, low + 0.055, half + 0.02)
        mesh.mark(side, "bumper", car.width * 0.48, car.clearance + 0.06, half + 0.04)
        mesh.part = BODY
        mesh.box((x0, low, end - 0.02), (x1, low + 0.15, end + 0.03), TAIL)
    grille = car.width * 0.24
    mesh.part = GRILLE
    mesh.box((-grille, low - 0.06, half - 0.03), (grille, low + 0.1, half + 0.015), DARK)
    mesh.part = BUMPER
    for place in (half, end):
        width = car.width * 0.48
        mesh.box((-width, car.clearance, place - 0.04), (width, car.clearance + 0.12, place + 0.04), DARK)
    mesh.part = BODY


def _extras(mesh: Mesh, car: Car, half: float, end: float, screen: float, window: float) -> None:
    """What only some classes have."""
    middle = (screen - car.front * car.length + window + car.rear * car.length) / 2
    if car.light_bar:
        place = screen - car.front * car.length - 0.25 if car.stripe else middle
        width, top = car.width * 0.34, car.roof + 0.16
        mesh.box((-width, car.roof, place - 0.16), (0.0, top, place + 0.16), BLUE)
        mesh.box((0.0, car.roof, place - 0.16), (width, top, place + 0.16), BLUE if car.stripe else RED)
    if car.stripe:
        lower, upper = (
            Slab(car.waist, window, screen, car.width * 0.975),
            Slab(car.roof, window, screen, car.width * 0.95),
        )
        for side in ("left", "right"):
            mesh.patch(lower, upper, side, (0.02, 0.7, 0.02, 0.2), RED)
            mesh.patch(lower, upper, side, (0.3, 0.36, 0.4, 0.85), RED)
            mesh.patch(lower, upper, side, (0.22, 0.44, 0.55, 0.7), RED)
        bonnet = car.width * 0.1
        mesh.box((-bonnet, car.waist * 0.9, half - 0.5), (bonnet, car.waist * 0.96, half - 0.2), RED)
    if car.spare:
        y = car.waist * 0.85
        mesh.part = TIRE
        mesh.box((-0.34, y - 0.34, end - 0.22), (0.34, y + 0.34, end), DARK)
        mesh.part = BODY
        for x in (-0.3, 0.3):  # roll bars of the open back
            mesh.box(
                (x * car.width - 0.04, car.waist, end + 0.1), (x * car.width + 0.04, car.roof + 0.06, end + 0.2), DARK
            )
    if car.wing:
        wide = car.width * 0.46
        mesh.box((-wide, car.waist + 0.24, end + 0.02), (wide, car.waist + 0.29, end + 0.36), car.paint)
        for sign in (-1, 1):
            x0, x1 = sorted((sign * wide * 0.7, sign * (wide * 0.7 - 0.06)))
            mesh.box((x0, car.waist * 0.9, end + 0.1), (x1, car.waist + 0.26, end + 0.25), DARK)
