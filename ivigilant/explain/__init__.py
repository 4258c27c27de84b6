"""`ivigilant explain`: what was read from a message, what was not, and what would be concluded."""
