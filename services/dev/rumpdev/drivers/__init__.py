"""Device drivers, one file each."""
