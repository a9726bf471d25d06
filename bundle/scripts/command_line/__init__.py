"""The command line: what every command does first, and the commands that messages offer."""
