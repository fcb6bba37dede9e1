"""From a forecast to what is asked for, and to those who scale by it.

Comes in: a forecast with its intervals, and limits. Goes out: a recommendation, published, or what holds in its place.
"""
