"""One command = one module = one `main(argv)` that returns an exit code."""
