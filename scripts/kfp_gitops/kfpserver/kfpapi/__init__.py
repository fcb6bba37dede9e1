"""KFP's API as this project uses it: the official client inside; our records (no kfp needed) and errors outside."""
