"""Where and when functions run: processes of this machine. Knows no privacy words."""
