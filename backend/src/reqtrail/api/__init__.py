"""The HTTP shell that all features share."""
