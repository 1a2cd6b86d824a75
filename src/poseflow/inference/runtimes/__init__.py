"""What runs networks and what is done with their maps: a runtime a file, imported when it is used."""
