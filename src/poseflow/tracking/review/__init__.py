"""Review: links that may be wrong, for a person to look at, and what the person corrected."""
