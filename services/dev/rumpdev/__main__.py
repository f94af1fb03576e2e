"""The process of dev: ``python -m rumpdev --gateway URL``; see `rumpuser.chassis`."""

from rumpdev.component import DevComponent
from rumpuser.chassis import main

if __name__ == "__main__":
    main(DevComponent)
