"""Identity: which animal a tracklet, or an instance, is."""
