"""Attack mathematics beside real peers: ``make bench-attacks``. One file a subject."""
