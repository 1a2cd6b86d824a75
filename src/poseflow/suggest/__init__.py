"""Frames worth labeling, and the label file in which a person labels them."""
