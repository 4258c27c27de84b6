"""Tools for whoever maintains the knowledge: differences, backtest, coverage, review, burden."""
