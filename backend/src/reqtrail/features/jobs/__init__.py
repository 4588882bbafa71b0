"""Jobs as people see them: what runs, what came of it, and what is to be done again."""
