"""Layers, a neuron and a network written by hand, NumPy only: what the generated ones are held against."""
