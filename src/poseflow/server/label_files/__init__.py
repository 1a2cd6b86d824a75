"""Label files as the page reads and writes them."""
