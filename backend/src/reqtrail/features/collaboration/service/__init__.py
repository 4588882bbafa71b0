"""Sockets: who may have one, what is told over it, and when it has to go."""
