"""The wire contract: generated messages, calls and values; error numbers and constants by hand."""
