"""What a head goes by to tell an attribute."""
