"""From structures to numbers: descriptors, quick simulators, virtual units. Knows no table of values."""
