"""NumPy's LAPACK loops by the names this version of NumPy gives them. Before 2.1 some came in two forms, for m <= n and for m > n."""
from numpy.linalg import _umath_linalg as loops


def _either(name, old):
    return getattr(loops, name, None) or getattr(loops, old)


solve = loops.solve
solve1 = loops.solve1
inv = loops.inv
det = loops.det
slogdet = loops.slogdet
cholesky_lo = loops.cholesky_lo
cholesky_up = loops.cholesky_up
eig = loops.eig
eigvals = loops.eigvals
eigh_lo = loops.eigh_lo
eigh_up = loops.eigh_up
eigvalsh_lo = loops.eigvalsh_lo
eigvalsh_up = loops.eigvalsh_up
qr_reduced = loops.qr_reduced
qr_complete = loops.qr_complete
qr_raw_wide, qr_raw_tall = _either("qr_r_raw", "qr_r_raw_m"), _either("qr_r_raw", "qr_r_raw_n")
svd_wide, svd_tall = _either("svd", "svd_m"), _either("svd", "svd_n")
svd_full_wide, svd_full_tall = _either("svd_f", "svd_m_f"), _either("svd_f", "svd_n_f")
svd_thin_wide, svd_thin_tall = _either("svd_s", "svd_m_s"), _either("svd_s", "svd_n_s")
lstsq_wide, lstsq_tall = _either("lstsq", "lstsq_m"), _either("lstsq", "lstsq_n")
