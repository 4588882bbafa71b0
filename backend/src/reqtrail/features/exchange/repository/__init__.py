"""Every query of exchange."""
