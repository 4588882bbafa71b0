"""The keys that sign access tokens: one active, the former ones good until the tokens they signed have expired."""
