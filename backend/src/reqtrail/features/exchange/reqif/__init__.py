"""ReqIF as a format: reading, repairing, comparing and writing it. Pure: no database, no network."""
