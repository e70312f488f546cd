"""Builds the wheel: CMake makes the engine (once for all Python versions, in a build folder that is kept), the link helper and this Python's
extension; they go into the package stripped, with LLVM's OpenMP runtime beside them. Metadata are in pyproject.toml.

COLUBER_WHEEL_BUILD names the build folder (build/wheel by default)."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, find_namespace_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))
from elf_needs import platform_tag  # noqa: E402

BUILD = Path(os.environ.get("COLUBER_WHEEL_BUILD") or ROOT / "build" / "wheel").resolve()
OPENMP = Path("/usr/lib/llvm-19/lib/libomp.so.5")
# What must be there, by a file of it, and the package of Debian and Ubuntu that has it.
SYSTEM = [("/usr/lib/llvm-19/lib/cmake/llvm/LLVMConfig.cmake", "llvm-19-dev"), ("/usr/lib/llvm-19/lib/liblldELF.a", "liblld-19-dev"),
          ("/usr/lib/x86_64-linux-gnu/libsleef.so.3", "libsleef3"), (OPENMP, "libomp-19-dev"), ("/usr/include/zlib.h", "zlib1g-dev"),
          ("/usr/include/zstd.h", "libzstd-dev"), ("/usr/include/libxml2", "libxml2-dev")]
COMMANDS = [("c++", "g++"), ("objdump", "binutils"), ("strip", "binutils"), ("cmake", "cmake"), ("ninja", "ninja-build")]


def check_system():
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        sys.exit("coluber builds on Linux x86-64 only for now")
    missing = [package for path, package in SYSTEM if not Path(path).exists()]
    missing += [package for command, package in COMMANDS if not shutil.which(command)]
    if missing:
        names = " ".join(dict.fromkeys(missing))
        sys.exit(f"coluber cannot be built: system packages are missing. On Debian and Ubuntu:\n\n    sudo apt-get install {names}\n")


class Build(build_ext):
    """The one extension stands for all the binaries of the package."""

    def build_extension(self, ext):
        check_system()
        tag = "cp%d%d" % sys.version_info[:2]
        jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(len(os.sched_getaffinity(0)))
        self.spawn(["cmake", "-S", str(ROOT), "-B", str(BUILD), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCOLUBER_TESTS=OFF",
                    f"-DCOLUBER_PYTHONS={sys.executable}"])
        self.spawn(["cmake", "--build", str(BUILD), "-j", jobs, "--target", "coluber_engine", "coluber_link_helper", f"coluber_host_{tag}"])
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        built = BUILD / "python" / f"coluber_{tag}" / "coluber" / target.name
        for source, to in [(built, target), (OPENMP, None), *((BUILD / "engine" / name, None) for name in
                                                                    ("libcoluber_engine.so", "libcoluber_sleef.so", "coluber-link"))]:
            to = to or target.parent / source.name
            to.unlink(missing_ok=True)
            subprocess.run(["strip", "--strip-unneeded", "-o", str(to), str(source)], check=True)
            to.chmod(0o755)


class Wheel(bdist_wheel):
    """Tagged by what the binaries need of the system."""

    def get_tag(self):
        python = "cp%d%d" % sys.version_info[:2]
        package = Path(self.bdist_dir) / "coluber"
        tag, reasons = platform_tag([*package.glob("*.so"), package / OPENMP.name, package / "coluber-link"])
        for reason in reasons:
            print(f"warning: no manylinux wheel: {reason}")
        return python, python, tag


packages = [p for p in find_namespace_packages("python_pkg") if p == "coluber" or p.startswith("coluber.")]
setup(packages=packages, package_data={p: ["*.py", "*.def", "*.txt", "*.pyi", "py.typed"] for p in packages},
      ext_modules=[Extension("coluber._coluber", [])], cmdclass={"build_ext": Build, "bdist_wheel": Wheel})
