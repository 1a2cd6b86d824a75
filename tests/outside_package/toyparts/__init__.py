"""Toy parts for poseflow."""
