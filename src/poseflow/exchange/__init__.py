"""Poses for other programs."""
