"""Signal equations: signal of a tissue with given T1, T2 and proton density in a sequence.

All times are in ms. Signals are relative to the fully relaxed signal of pure water.
"""

from __future__ import annotations

import math


def magnetisation_prepared_gradient_echo(
    *, t1: float, pd: float, tr: float, ti: float, echo_spacing: float, readouts: int, flip_degrees: float
) -> float:
    """Magnitude of an MPRAGE at the middle of its readout train (Wang et al., PLoS One 9:e96899, 2014).

    Inversion, recovery, a train of `readouts` pulses `echo_spacing` apart whose middle lies at `ti`, recovery until
    `tr`; solved for the steady state. T2* decay is neglected (short echo time).
    """
    flip = math.radians(flip_degrees)
    e1 = math.exp(-echo_spacing / t1)
    decay = math.cos(flip) * e1
    driven = (1.0 - e1) / (1.0 - decay)
    half_train = 0.5 * readouts * echo_spacing
    before = math.exp(-(ti - half_train) / t1)
    after = math.exp(-(tr - ti - half_train) / t1)
    train = decay**readouts
    # start -> (train) -> end -> (after) -> inverted -> (before) -> start
    start = (1.0 - before * (2.0 - after + after * driven * (1.0 - train))) / (1.0 + before * after * train)
    half = decay ** (0.5 * readouts)
    return pd * math.sin(flip) * abs(driven * (1.0 - half) + start * half)


def inversion_recovery_spin_echo(*, t1: float, t2: float, pd: float, tr: float, te: float, ti: float) -> float:
    """Magnitude of an inversion-recovery spin echo (FLAIR: Hajnal et al., J Comput Assist Tomogr 16:841, 1992).

    ``pd · |1 - 2 exp(-ti / t1) + exp(-tr / t1)| · exp(-te / t2)``, te much shorter than tr.
    """
    recovery = 1.0 - 2.0 * math.exp(-ti / t1) + math.exp(-tr / t1)
    return pd * abs(recovery) * math.exp(-te / t2)


def nulling_inversion_time(*, t1: float, tr: float) -> float:
    """Inversion time at which a tissue gives no signal: ``t1 · (ln 2 - ln(1 + exp(-tr / t1)))``.

    For tr much longer than t1 this is ``t1 · ln 2``.
    """
    return t1 * (math.log(2.0) - math.log1p(math.exp(-tr / t1)))


def enhanced_t1(*, t1: float, concentration: float, relaxivity: float = 4.5) -> float:
    """T1 in the presence of contrast agent: ``1 / T1' = 1 / T1 + r1 · C``.

    Args:
        t1: T1 without contrast agent in ms.
        concentration: concentration of gadolinium in mmol/L.
        relaxivity: r1 in L/(mmol·s). Defaults to 4.5, a macrocyclic agent near 3 T in plasma
            (Rohrer et al., Invest Radiol 40:715, 2005: 3.3 to 5.5 for most agents).
    """
    return 1.0 / (1.0 / t1 + relaxivity * concentration / 1000.0)
