"""The process of kern: ``python -m rumpkern --gateway URL``; see `rumpuser.chassis`."""

from rumpkern.component import KernComponent
from rumpuser.chassis import main

if __name__ == "__main__":
    main(KernComponent)
