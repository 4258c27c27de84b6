"""What `ivigilant explain` tells of a message: what was read from it, what was not, and what would be concluded."""
