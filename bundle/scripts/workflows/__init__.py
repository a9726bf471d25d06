"""What happens during a run: handlers on Ignite events, and the steps before and after it."""
