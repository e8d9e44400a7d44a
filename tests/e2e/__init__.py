"""The real programs on a real broker and database, against strict simulators."""
