"""Clopper and Pearson's exact bounds for one share: does an arm stay under its absolute cap?

Definition: the shares under which k or fewer (k or more) of n have probability of at least alpha, from beta
quantiles. Source: Clopper and Pearson 1934 (Biometrika 26:404-413). Conservative, never wrong for small n: no
error among n gives the bound 1 − alpha^(1/n). Fixed n: for one look, at the end. Called by `judge.rule`.
"""

from scipy.stats import beta


def upper_bound(k: int, n: int, *, alpha: float = 0.05) -> float:
    """One-sided upper 1 − alpha bound of a share of which `k` in `n` were seen; 1 without any.

    >>> round(upper_bound(0, 300), 4), round(upper_bound(0, 3000), 5)
    (0.0099, 0.001)
    """
    return 1.0 if k >= n else float(beta.ppf(1.0 - alpha, k + 1, n - k))


def lower_bound(k: int, n: int, *, alpha: float = 0.05) -> float:
    """One-sided lower 1 − alpha bound; 0 if none was seen.

    >>> lower_bound(0, 300), round(lower_bound(10, 10), 4)
    (0.0, 0.7411)
    """
    return 0.0 if k <= 0 else float(beta.ppf(alpha, k, n - k + 1))
