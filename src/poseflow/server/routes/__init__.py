"""What can be asked for, a view of the page a file: each has `routes()`."""
