"""Training beside other programs: its speed (``make bench-training``) and what it survives."""
