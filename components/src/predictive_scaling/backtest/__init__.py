"""How good a forecast is, judged on the past: folds, metrics, intervals, training and evaluation.

Comes in: series and models that compete. Goes out: the winner fitted, its errors, and whether it passes the gates.
"""
