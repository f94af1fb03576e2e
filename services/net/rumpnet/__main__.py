"""The process of net: ``python -m rumpnet --gateway URL``; see `rumpuser.chassis`."""

from rumpnet.component import NetComponent
from rumpuser.chassis import main

if __name__ == "__main__":
    main(NetComponent)
