"""The parts of drawn cars, by the names that DatasetGAN's Car-20 has for them.

Of its twenty the drawn cars have these: their mirrors, handles, plates and running boards are not drawn, and no image
shows a car from behind, so that tail lights belong to the body. Both bumpers are one part, and so are the bonnet, the
boot, the wing and the rest of the body.
"""

PARTS = (
    *("background", "car_body", "bumper", "car_lights", "door", "grilles"),
    *("roof", "tire", "wheelhub", "window", "windshield"),
)
BACKGROUND, BODY, BUMPER, LIGHTS, DOOR, GRILLE, ROOF, TIRE, HUB, WINDOW, WINDSHIELD = range(len(PARTS))
