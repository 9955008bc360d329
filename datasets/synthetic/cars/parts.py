"""The parts of drawn cars, by the names that DatasetGAN's Car-20 has for them, and their keypoints.

Of its twenty the drawn cars have these: their mirrors, handles, plates and running boards are not drawn, and no image
shows a car from behind, so that tail lights belong to the body. Both bumpers are one part, and so are the bonnet, the
boot, the wing and the rest of the body.
"""

PARTS = (
    *("background", "car_body", "bumper", "car_lights", "door", "grilles"),
    *("roof", "tire", "wheelhub", "window", "windshield"),
)
# Middles of the wheels' and head lamps' faces, corners of the roof and of the front bumper; left is the car's.
KEYPOINTS = (
    *("left_front_wheel", "right_front_wheel", "left_back_wheel", "right_back_wheel", "left_light", "right_light"),
    *("left_front_roof", "right_front_roof", "left_back_roof", "right_back_roof", "left_bumper", "right_bumper"),
)
BACKGROUND, BODY, BUMPER, LIGHTS, DOOR, GRILLE, ROOF, TIRE, HUB, WINDOW, WINDSHIELD = range(len(PARTS))
