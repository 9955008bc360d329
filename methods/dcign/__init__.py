"""DC-IGN (Kulkarni et al., 2015): a graphics code learned from batches in which one factor of the scene varies."""
