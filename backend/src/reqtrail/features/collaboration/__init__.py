"""Who else is here, and what they just did: live updates of what is on the screen."""
