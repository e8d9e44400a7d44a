"""Our own pages and OpenHands' screens in a real browser."""
