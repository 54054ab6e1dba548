"""Images and labels: reading them from where they lie, and drawing members and non-members."""
