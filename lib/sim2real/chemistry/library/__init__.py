"""Virtual repeat units, made from known ones."""
