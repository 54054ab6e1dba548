"""Where results lie: keys, sealed files, the workspace. Knows arrays and JSON, no privacy words."""
