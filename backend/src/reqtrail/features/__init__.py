"""The vertical slices."""
