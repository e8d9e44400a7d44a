"""Everything that tests ohdc from outside."""
