"""Many people edit the same things at once, over real processes: no acknowledged edit may be lost."""
