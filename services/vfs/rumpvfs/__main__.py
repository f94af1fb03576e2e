"""The process of vfs: ``python -m rumpvfs --gateway URL``; see `rumpuser.chassis`."""

from rumpuser.chassis import main
from rumpvfs.component import VfsComponent

if __name__ == "__main__":
    main(VfsComponent)
