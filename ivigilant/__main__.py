"""`python -m ivigilant` is the same as `ivigilant`."""

from ivigilant.start import main

if __name__ == "__main__":  # a process that multiprocessing spawns imports this module again
    main()
