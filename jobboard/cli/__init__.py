"""The command line: arguments in, words out. Nothing here decides anything."""
