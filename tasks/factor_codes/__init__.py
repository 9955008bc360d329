"""How far what a method declares for view and light follows the truth, and nothing else moves with it."""
