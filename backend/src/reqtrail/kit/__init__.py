"""Pure functions and types: no input, no output."""
