"""Verdicts and counterexamples for people and machines. Pure: everything arrives as data from the model."""
