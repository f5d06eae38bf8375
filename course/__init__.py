"""The one command line, `course`: its subcommands put `pneumonia` and `autograder` to work."""
