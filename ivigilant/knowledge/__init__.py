"""What somebody who keeps the knowledge wants to see: what changed, and what a change would have done."""
