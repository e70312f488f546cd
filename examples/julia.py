"""A Julia set by CPython and by Coluber: the times, the speed-up, and the picture as a PNG.

    ./dev demo [--size N] [--out julia.png]"""
import argparse
import struct
import time
import zlib

import numpy as np

LIMIT = 300


def julia(size, c, limit, counts):
    """Writes into counts[row, column] after how many steps of z*z + c a point of the plane has left the circle of radius 2."""
    for row in range(size):
        for column in range(size):
            z = complex(3.2 * column / size - 1.6, 3.2 * row / size - 1.6)
            n = 0
            while n < limit and z.real * z.real + z.imag * z.imag <= 4.0:
                z = z * z + c
                n += 1
            counts[row, column] = n


def timed(function, size):
    counts = np.zeros((size, size), np.int64)
    start = time.perf_counter()
    function(size, complex(-0.7269, 0.1889), LIMIT, counts)
    return time.perf_counter() - start, counts


def colours(counts):
    """Counts as RGB bytes: a sine per channel over the logarithm of the count, black inside."""
    t = np.log1p(counts) / np.log1p(LIMIT)
    rgb = np.stack([0.5 - 0.5 * np.cos(2 * np.pi * (t * k + p)) for k, p in ((1.0, 0.0), (1.4, 0.1), (2.0, 0.25))], axis=-1)
    rgb[counts >= LIMIT] = 0.0
    return (255 * rgb).astype(np.uint8)


def write_png(path, rgb):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, _ = rgb.shape
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)       # filter type 0 before each row
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=600, help="pixels each way")
    parser.add_argument("--out", default="julia.png")
    options = parser.parse_args()

    start = time.perf_counter()
    import coluber
    imported = time.perf_counter() - start

    compiled = coluber.njit(julia)
    first, _ = timed(compiled, 2)              # compiles (or loads from the cache); four points cost nothing
    fast, counts = min((timed(compiled, options.size) for _ in range(3)), key=lambda pair: pair[0])
    slow, wanted = timed(julia, options.size)
    if not np.array_equal(counts, wanted):
        raise SystemExit("the results differ")
    write_png(options.out, colours(counts))

    print(f"import coluber    {imported * 1e3:10.1f} ms")
    print(f"first call        {first * 1e3:10.1f} ms   (compiled, or from the cache of an earlier run)")
    print(f"CPython           {slow * 1e3:10.1f} ms")
    print(f"Coluber           {fast * 1e3:10.1f} ms   the same counts, bit for bit")
    print(f"speed-up          {slow / fast:10.1f} x")
    print(f"picture           {options.out}")


if __name__ == "__main__":
    main()
