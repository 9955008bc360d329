"""Running a grid's cells: in this process or in several, with progress and a manifest."""
