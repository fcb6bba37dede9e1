"""Where models and documents are kept: a folder, or S3."""
