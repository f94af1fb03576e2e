"""Making a volume from a tree in the kernel.

`tree` gathers the tree, `naming` gives every file its names of ISO 9660 and Joliet, `encode` makes the structures,
`layout` says where everything lies, `newfs` writes it.

What is made is ISO 9660 level 3 with, as one likes, Rock Ridge (IEEE 1282) and Joliet. Deep directories stay where they
are, against the eight levels of ECMA-119 section 6.8.2.1, as xorriso does it; a relocation would hurt readers that
know only one of the extensions. Names of one file share its contents; files of 4 GiB and more have several sections.
"""

from __future__ import annotations

from .newfs import newfs

__all__ = ["newfs"]
