"""What a trigger is owed a run for, and which of that has none yet."""
