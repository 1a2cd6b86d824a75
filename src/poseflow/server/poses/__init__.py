"""Where animals are, from the tables and from what people say: windows of frames, lanes, review items."""
