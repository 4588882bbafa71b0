"""The engines of the embedded instance: PostgreSQL and Valkey from wheels, under a lifecycle of our own."""
