"""Figures, and the report: one HTML file that tells what a run did and how far it can be trusted.

Its modules are imported by name: what draws over a video needs no statistics and no Matplotlib.
"""
