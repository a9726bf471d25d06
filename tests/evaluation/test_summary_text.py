"""The table that an evaluation prints."""

from __future__ import annotations

from scripts.evaluation.summary_text import summary_text

MEANS = {
    "fused_slice": 0.968098,
    "mean_slice": 0.969341,
    "max_slice": 0.956846,
    "decomposed_t1gd_slice": 0.992712,
    "decomposed_flair_slice": 0.994649,
    "fused_brain": 0.769404,
    "mean_brain": 0.779282,
    "max_brain": None,
    "decomposed_t1gd_brain": 0.94584,
    "decomposed_flair_brain": 0.960429,
    "fused_lesion": None,
}
NOTICE = "Decomposed images are estimates. For research use only. Not for diagnosis or treatment."


def test_it_shows_every_region_and_metric_that_was_measured():
    text = summary_text({"patients": 2, "slices": 310, "mean_over_slices": MEANS})
    assert text.splitlines() == [
        "2 patient(s), 310 slice(s). Mean SSIM with the sources over slices:",
        "                  whole slice  inside the brain",
        "fused             0.9681       0.7694",
        "plain mean        0.9693       0.7793",
        "plain maximum     0.9568       –",
        "decomposed t1gd   0.9927       0.9458",
        "decomposed flair  0.9946       0.9604",
        NOTICE,
    ]


def test_all_metrics_have_tables_of_their_own():
    metrics = {"Q_SSIM": 0.968064, "Q_P": 0.970828, "decomposed_t1gd_PSNR": 42.564525, "decomposed_flair_NMSE": 0.0016}
    lines = summary_text({"patients": 1, "slices": 1, "mean_over_slices": {**MEANS, **metrics}}).splitlines()
    start = lines.index("Metrics of the fused image:")
    assert lines[start + 1].split() == ["Q_SSIM", "Q_FMI", "Q_NCIE", "Q_XY", "Q_P"]
    assert lines[start + 2].split() == ["fused", "0.9681", "–", "–", "–", "0.9708"]
    start = lines.index("Metrics of the decomposed images:")
    assert lines[start + 1].split() == ["SSIM", "PSNR", "NMSE", "correlation"]
    assert lines[start + 2].split() == ["t1gd", "–", "42.5645", "–", "–"]
    assert lines[start + 3].split() == ["flair", "–", "–", "0.0016", "–"]
    assert lines[-1] == NOTICE
