"""From payloads to axes, tables and files."""
