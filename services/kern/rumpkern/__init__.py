"""The base: processes, identities, sysctl, modules, pipes, clocks."""
