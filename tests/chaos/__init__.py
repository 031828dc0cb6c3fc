"""Chaos: everything is killed under load, and what was acknowledged is looked for afterwards."""
