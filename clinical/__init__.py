"""What every package speaks of: the words of the ward as values. Imports nothing of ours."""
