"""The record of who did what, when and from where: written once, sealed, never changed."""
