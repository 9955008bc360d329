"""What is asked for: methods, tasks, datasets and profiles by name, and a request that names them. Imports no torch."""
