"""The image: built without a docker engine, looked into, and run as a cluster would run it."""
