"""What checks the signatures of the project at each call while tests run: types, and the shapes of arrays in them."""

from beartype import BeartypeConf, beartype

# As PEP 484 has it, a whole number is a float.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
