"""The cases of the paper, your tables, presets, and what a notebook holds."""
