"""A run of the workflow: its plan, places, fingerprints and releases, and what it tells of itself."""
