"""What people read: the report, its tables and charts, Markdown."""
