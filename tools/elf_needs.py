"""What ELF files need from the system they run on, and the wheel tag that follows from it."""
import re
import subprocess

# The libraries that manylinux promises, as far as they may occur here.
PROMISED = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2", "libgcc_s.so.1", "libstdc++.so.6",
            "libz.so.1"}
OLDEST_SUPPORTED = (2, 36)             # the oldest glibc that the tests run on: Debian 12


def needs(path):
    """(libraries, newest glibc version as a pair) that the file at `path` refers to."""
    shown = subprocess.run(["objdump", "-p", str(path)], capture_output=True, text=True, check=True).stdout
    libraries = set(re.findall(r"^\s*NEEDED\s+(\S+)", shown, re.M))
    versions = [tuple(map(int, v.split("."))) for v in re.findall(r"\bGLIBC_(\d+\.\d+)\b", shown)]
    return libraries, max(versions, default=(0, 0))


def platform_tag(paths):
    """(tag, reasons): manylinux by the newest glibc symbol used, not below what is supported; linux_x86_64 with the reasons where a library is
    needed that no wheel may count on."""
    newest, foreign = OLDEST_SUPPORTED, []
    for path in paths:
        libraries, version = needs(path)
        newest = max(newest, version)
        foreign += [f"{path} needs {name}" for name in sorted(libraries - PROMISED)]
    return ("linux_x86_64" if foreign else "manylinux_%d_%d_x86_64" % newest), foreign
