"""Many small networks trained at once: recipes, baselines, the grid of an experiment and its store."""
