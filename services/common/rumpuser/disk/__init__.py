"""Disks within disks: partition tables, ranges of a device, and images of virtual machines.

Pure code over anything that is a `BlockDevice`; no file is opened here. An image or a label may say anything: lengths
and offsets are checked, chains have a limit, errors are EINVAL, EIO or EOPNOTSUPP.
"""

from __future__ import annotations

from .device import BlockDevice, FileDevice, Slice

__all__ = ["BlockDevice", "FileDevice", "Slice"]
