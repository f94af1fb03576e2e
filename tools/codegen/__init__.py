"""Generates everything that needs the list of system calls out of proto/*.proto."""
