"""One readable line in the log for every epoch of training."""

from __future__ import annotations

import logging
import re

import torch

from scripts.training.deciding_loss import DecidingLoss
from scripts.training.epoch_log import EpochLog
from scripts.training.loss_terms import LossTerms


def lines(caplog, make_trainer, evaluator, network, loss, interval: int = 1) -> list[str]:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001)
    log = EpochLog(DecidingLoss(evaluator, interval), optimizer, "results")
    trainer = make_trainer([LossTerms(loss), log], epochs=2, optimizer=optimizer)
    with caplog.at_level(logging.INFO, logger="scripts"):
        trainer.run()
    return [record.getMessage() for record in caplog.records if record.name.startswith("scripts")]


def test_an_epoch_is_one_line_with_losses_ssim_rate_and_time(caplog, make_trainer, make_evaluator, network, loss):
    evaluator = make_evaluator([LossTerms(loss)])
    evaluator.run(1)
    begin, first, second = lines(caplog, make_trainer, evaluator, network, loss)
    assert begin == "Training on 4 slices, 2 batches an epoch, epochs 1 to 2, on cpu. Results: results"
    pattern = (
        r"epoch 1/2  train \d\.\d{4}  validation \d\.\d{4}  fused SSIM flair \d\.\d{3} / t1gd \d\.\d{3}  "
        r"decomposed SSIM flair -?\d\.\d{3} / t1gd -?\d\.\d{3}  lr 1\.00e-03  \d+\.\d s  left 0:00:\d\d"
    )
    assert re.fullmatch(pattern, first)
    assert second.startswith("epoch 2/2")


def test_an_epoch_without_validation_tells_the_training_alone(caplog, make_trainer, make_evaluator, network, loss):
    told = lines(caplog, make_trainer, make_evaluator([]), network, loss, interval=5)
    assert "validation" not in " ".join(told)


def test_training_without_validation_patients_is_warned_of_loudly(caplog, make_trainer, make_evaluator, network, loss):
    told = lines(caplog, make_trainer, make_evaluator([], count=0), network, loss)
    assert told[1].startswith("NO VALIDATION: no patient is set aside, so the training loss decides")
    assert any(record.levelno == logging.WARNING for record in caplog.records)


def test_of_a_method_that_only_fuses_nothing_decomposed_is_told(caplog, make_trainer, make_evaluator, network, loss):
    evaluator = make_evaluator([LossTerms(loss)], count=0)
    evaluator.state.metrics = {}
    log = EpochLog(DecidingLoss(evaluator), torch.optim.SGD(network.parameters(), lr=0.001), "results")
    trainer = make_trainer([])
    trainer.state.metrics = {"loss": 0.5, "fused_ssim_t1gd": 0.8, "fused_ssim_flair": 0.9}
    with caplog.at_level(logging.INFO, logger="scripts"):
        log.begin_epoch(trainer)
        log.tell(trainer)
    assert "fused SSIM t1gd 0.800 / flair 0.900  lr" in caplog.text
    assert "decomposed" not in caplog.text
