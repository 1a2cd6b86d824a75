"""Models that SLEAP trained (1.0 to 1.4): their settings, and their networks rebuilt as networks of ours."""
