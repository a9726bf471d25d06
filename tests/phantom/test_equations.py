from __future__ import annotations

import math

import pytest

from scripts.phantom.equations import (
    enhanced_t1,
    inversion_recovery_spin_echo,
    magnetisation_prepared_gradient_echo,
    nulling_inversion_time,
)


class TestInversionRecovery:
    def test_fluid_is_null_at_t1_ln2_for_long_tr(self):
        assert nulling_inversion_time(t1=4300.0, tr=1e9) == pytest.approx(4300.0 * math.log(2.0))

    @pytest.mark.parametrize("tr", [6000.0, 9000.0, 12000.0])
    def test_fluid_is_null_at_the_nulling_time_for_any_tr(self, tr):
        ti = nulling_inversion_time(t1=4300.0, tr=tr)
        signal = inversion_recovery_spin_echo(t1=4300.0, t2=1500.0, pd=1.0, tr=tr, te=90.0, ti=ti)
        assert signal == pytest.approx(0.0, abs=1e-12)

    def test_nulling_time_at_tr_9000_is_known(self):
        assert nulling_inversion_time(t1=4300.0, tr=9000.0) == pytest.approx(2480.52, abs=0.01)

    def test_without_time_to_recover_it_is_a_spin_echo(self):
        signal = inversion_recovery_spin_echo(t1=800.0, t2=80.0, pd=0.7, tr=1e9, te=80.0, ti=1e8)
        assert signal == pytest.approx(0.7 / math.e)


MPRAGE = {"tr": 2000.0, "ti": 900.0, "echo_spacing": 7.0, "readouts": 160, "flip_degrees": 8.0}


class TestMprage:
    @pytest.mark.parametrize("t1", [300.0, 832.0, 4300.0])
    def test_agrees_with_the_magnetisation_followed_pulse_by_pulse(self, t1):
        s = MPRAGE
        flip = math.radians(s["flip_degrees"])
        train = s["readouts"] * s["echo_spacing"]

        def relax(m, time):
            return 1.0 + (m - 1.0) * math.exp(-time / t1)

        m = 1.0
        for _ in range(30):
            m = relax(-m, s["ti"] - train / 2)
            for pulse in range(s["readouts"]):
                if pulse == s["readouts"] // 2:
                    middle = abs(m) * math.sin(flip)
                m = relax(m * math.cos(flip), s["echo_spacing"])
            m = relax(m, s["tr"] - s["ti"] - train / 2)
        assert magnetisation_prepared_gradient_echo(t1=t1, pd=1.0, **s) == pytest.approx(middle, rel=1e-6)


class TestContrastAgent:
    def test_adds_to_the_relaxation_rate(self):
        assert enhanced_t1(t1=1000.0, concentration=1.0, relaxivity=4.0) == pytest.approx(200.0)

    def test_none_leaves_t1_as_it_was(self):
        assert enhanced_t1(t1=832.0, concentration=0.0) == pytest.approx(832.0)
