"""The command line: checks of options, plain errors, and commands suggested in messages."""
