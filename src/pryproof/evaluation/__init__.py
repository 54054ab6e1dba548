"""How good is an attack? Curves, estimates with intervals, and a check of the measuring."""
