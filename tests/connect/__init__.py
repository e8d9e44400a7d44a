"""End-to-end tests of how servers and people are connected."""
