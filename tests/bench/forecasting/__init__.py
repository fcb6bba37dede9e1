"""What the section `forecast` is made of: series, models and peers to run on them, and measures."""
