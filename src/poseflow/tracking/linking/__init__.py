"""Linking: instances of a frame continue tracks of the frames before it."""
