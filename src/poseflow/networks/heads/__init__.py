"""Heads: a file each, with its settings, its channels, what it learns, its loss, and what its outputs say."""
