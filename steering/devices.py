"""Which devices does this machine have, how much memory has one, and which of them does a model run on?"""

import os
import sys
from glob import glob
from pathlib import Path

from steering.presets import is_world_model

AUTO = "auto"
SPLIT = "split"
"""All accelerators of the machine together, a model's layers spread over them by accelerate."""
_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dri/renderD*", "/dev/dxg")


def devices() -> list[str]:
    """Names of the torch devices, the CPU first; ``split`` too where there are several accelerators.

    Imports torch only where a driver says that there may be one.
    """
    here = ["cpu"]
    if not _may_have_accelerator():
        return here
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is not None:
        count = torch.accelerator.device_count()
        here += [accelerator.type, *(f"{accelerator.type}:{place}" for place in range(count))]
        here += [SPLIT] * (count > 1)
    return here


def device_for(model: str, device: str = AUTO, *, needed: int | None = None) -> str:
    """The device that ``auto`` stands for with this model; any other name stands for itself.

    It is the accelerator where the model fits on it, all of them together where it does not and there are several, and
    the CPU otherwise. What decides is the memory that an accelerator has, not what is free on it: the answer must not
    change once the model lies there. The embedded world's small models stay on the CPU, which is as fast with them and
    gives everyone the same numbers.

    Args:
        model: a preset, a folder or a Hub id.
        device: a torch device, ``split`` or ``auto``.
        needed: bytes that model, SAE and the work with them take; None where that is not known: then several
            accelerators share it, and one is tried.
    """
    if device != AUTO:
        return device
    here = devices()
    if len(here) == 1 or is_world_model(model):
        return "cpu"
    accelerator, several = here[1], SPLIT in here
    if needed is None:
        return SPLIT if several else accelerator
    room = capacity_bytes(accelerator)
    if room is None or needed <= room:
        return accelerator
    return SPLIT if several else "cpu"


def capacity_bytes(device: str) -> int | None:
    """Memory that an accelerator has, in bytes, whoever uses it now; None where that cannot be told."""
    if not device.startswith("cuda"):
        return None
    import torch

    return torch.cuda.mem_get_info(device)[1] if torch.cuda.is_available() else None


def free_bytes(device: str) -> int | None:
    """Memory that is free on a device now, in bytes, for ``split`` on all of them; None where it cannot be told."""
    if device == SPLIT:
        parts = [free_bytes(one) for one in devices() if ":" in one]
        return None if not parts or None in parts else sum(part or 0 for part in parts)
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
