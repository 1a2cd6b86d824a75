"""What recordings look like: stills, and packets for the browser's own decoder."""
