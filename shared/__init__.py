"""What activities, orchestrators and triggers share. Whoever loads any of it has numpy tuned before that is loaded."""

from shared.processor import tune_numpy

tune_numpy()
