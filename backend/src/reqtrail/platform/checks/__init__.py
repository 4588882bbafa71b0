"""What can be wrong with an installation, found by looking at it: nothing here makes or changes anything."""
