"""What is known of all features at once: tables, versioned kinds, side effects."""
