"""The texts that the vectors are made of: those of packaging's tests, and those drawn here."""

import random

import upstream

SEED = 440
# Longer texts are a matter of limits, which the Rust tests check by themselves.
LONGEST = 200


class Inputs:
    """Texts from packaging's tests, by the test module, and a source of chance that is the same on every run."""

    def __init__(self, collected, neutral):
        self._collected = collected
        self._neutral = neutral

    def random(self, purpose):
        """Each purpose has its own draws, so that a change to one leaves the others as they were."""
        return random.Random(f"{SEED} {purpose}")

    def texts(self, module):
        """Every distinct text in a test module, parameters first."""
        parameters, written = self._collected[module]
        texts = [*upstream.strings(parameters), *written]
        fitting = (self._neutral(text) for text in texts if len(text) <= LONGEST and "\n    " not in text)
        return list(dict.fromkeys(fitting))

    def tuples(self, module):
        """Every distinct tuple of texts that a test of the module is run with."""
        parameters, _ = self._collected[module]
        return list(dict.fromkeys(upstream.tuples(parameters)))


def accepted(kind, text):
    """What `kind` reads from the text; None where it refuses."""
    try:
        return kind(text)
    except ValueError:
        return None
