"""Accounts: who somebody is. What they may do in a project is the business of ``access``."""
