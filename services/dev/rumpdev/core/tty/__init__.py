"""Terminals: the line discipline, what is on both sides of it, and who controls it."""
