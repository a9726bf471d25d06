"""Measure how unlike the training data a pair of sources is."""
