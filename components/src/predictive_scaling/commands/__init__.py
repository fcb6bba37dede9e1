"""The command line of the library, a module a command."""
