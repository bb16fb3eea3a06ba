"""Which devices does this machine have, and how much memory is free on one?"""

import os
import sys
from glob import glob
from pathlib import Path

from steering.presets import is_world_model

AUTO = "auto"
_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dri/renderD*", "/dev/dxg")


def devices() -> list[str]:
    """Names of the torch devices, the CPU first. Imports torch only where a driver says that there may be another."""
    here = ["cpu"]
    if not _may_have_accelerator():
        return here
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is not None:
        count = torch.accelerator.device_count()
        here += [accelerator.type, *(f"{accelerator.type}:{place}" for place in range(count))]
    return here


def device_for(model: str, device: str = AUTO) -> str:
    """The device that ``auto`` stands for with this model; any other name stands for itself.

    It is the accelerator where there is one. The embedded world's small models stay on the CPU, which is as fast with
    them and gives everyone the same numbers.
    """
    if device != AUTO:
        return device
    return "cpu" if is_world_model(model) else devices()[:2][-1]


def free_bytes(device: str) -> int | None:
    """Memory that is free on a device now, in bytes; None where that cannot be told."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)[0] if torch.cuda.is_available() else None
    return _free_here()


def _may_have_accelerator() -> bool:
    return sys.platform != "linux" or any(glob(driver) for driver in _DRIVERS)


def _free_here() -> int | None:
    """What Linux says that new work may take, and no more than this container may."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        try:
            return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError, AttributeError):
            return None
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):  # "max": no limit
        return free
    return min(free, max(0, limit - used))
