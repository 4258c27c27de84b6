"""`python -m ivigilant` is the same as `ivigilant`."""

from ivigilant.cli import main

main()
