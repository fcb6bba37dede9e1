"""How good a forecast is: folds, metrics, intervals, training and evaluation."""
