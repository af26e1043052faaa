"""What trials say: power laws, surfaces, intervals, curves, classes, arms."""
