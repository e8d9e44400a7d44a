"""The chart on a real Kubernetes API, by both Helms."""
