"""Every way of steering that the evidence compares, one small file each, all built from the same labels."""
