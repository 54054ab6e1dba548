"""What each sample's privacy is worth: margins, ranks, agreement over runs, verdicts."""
