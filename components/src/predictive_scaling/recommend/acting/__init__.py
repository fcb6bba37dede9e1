"""What acting on a forecast is worth: an autoscaler is played over the past, and floors are chosen by what it shows.

Everything here is pure: arrays in, arrays out, the same for the same input.
"""
