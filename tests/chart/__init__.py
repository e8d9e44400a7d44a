"""The chart as Helm renders it: valid, complete, and exactly what its values say."""
