"""What can be said on the command line, one module per group."""
