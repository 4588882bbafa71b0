"""What exchange does: imports as jobs, and exports."""
