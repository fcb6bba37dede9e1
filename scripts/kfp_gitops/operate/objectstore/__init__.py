"""An S3 service: one client of it, its refusals in words, and in which state data are that stand there."""
