"""KFP's API as this project uses it: our records (no kfp needed) and our errors around the official client."""
