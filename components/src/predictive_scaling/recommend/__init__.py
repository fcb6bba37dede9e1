"""From a forecast to what is asked for: capacity, plan, proposal, publishing, fallback."""
