"""McNemar's test with the mid-p value: do discordant pairs favour one side?

Definition: with k = min(better, worse) and m = better + worse, the exact two-sided p-value is
min(1, 2·P[Bin(m, ½) ≤ k]), and the mid-p value takes off P[Bin(m, ½) = k].
Source: Fagerland, Lydersen and Laake 2013 (BMC Medical Research Methodology 13:91), who advise the mid-p
against the exact and the continuity-corrected tests. A fixed-n statistic: looked at again and again it cries
wolf (40 % at 199 looks), so it is reported and never gates. Called by `judge.rule` and `judge.completeness`.
"""

from scipy.stats import binom

from judge.paired import PairedCounts


def exact_p(counts: PairedCounts) -> float:
    """Exact two-sided p-value; 1 without discordant pairs.

    >>> round(exact_p(PairedCounts(better=12, worse=5)), 5)
    0.14346
    """
    fewer = min(counts.better, counts.worse)
    return min(1.0, 2.0 * float(binom.cdf(fewer, counts.discordant, 0.5)))


def mid_p(counts: PairedCounts) -> float:
    """Mid-p two-sided p-value; 1 without discordant pairs.

    >>> round(mid_p(PairedCounts(better=12, worse=5)), 5)
    0.09625
    """
    if counts.better == counts.worse:
        return 1.0
    fewer = min(counts.better, counts.worse)
    return exact_p(counts) - float(binom.pmf(fewer, counts.discordant, 0.5))
