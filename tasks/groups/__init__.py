"""What the groups of a method's features say of each other and of the scene."""
