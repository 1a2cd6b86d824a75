"""Backbones: an image in, feature maps out."""
