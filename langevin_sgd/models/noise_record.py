"""What the engine asks of a noise: a kind of noise is one module that answers, and no other module
knows it."""

from typing import Any, NamedTuple

import numpy as np

from .parameters import parameters
from .records import Recipe, record


class Noise:
    """What every record of a noise answers; the answers here are those of no noise at all."""

    __slots__ = ()
    argument = "noise"  # of simulate, that it is for
    adds = False  # whether xi is drawn and added to the gradient; a minibatch changes g instead
    independent = True  # whether particles draw independently of each other
    own_steps = True  # whether particles of a group can be at steps of their own

    def _checked(self):
        return self._with(params=parameters(self.params, repr(self.name)))

    def check(self, model, dynamics):
        """Refuse a model or a dynamics that the noise cannot go with."""

    def check_batches(self, model, largest, scheduled, steps):
        """Refuse batches of at most `largest` examples, in a run up to step `steps`."""

    def draws(self, model, largest):
        """Random draws per particle and step with batches of `largest`, by the name of what asks
        for them."""
        return {}

    def rows(self, model, draws):
        """Rows of random numbers that each group needs."""
        return 0

    def batch_rows(self, largest):
        """Rows of example numbers that each group needs."""
        return 0

    def force(self, site):
        """The `Force` of a model under this noise, built at a `Site`."""
        return site.model.force(site)

    def epoch(self, model, batch_size):
        """Steps after which the law of the batches repeats: 1 if each step draws afresh."""
        return 1

    def doubts(self, model):
        """Sentences about what is wrong with the noise at a look and is not refused."""
        return ()

    def acts_on(self, model):
        """Which components of a particle it reaches."""
        return np.ones(model.dim, bool)

    def batch_covariance(self, model, x, batch_size):
        """C(x), the covariance of the batch gradient at points x (n, d): an array (n, d, d) in
        (energy / length)^2. A ValueError where it is not known. If an epoch has several steps, of a
        batch apart from the others, which it repels."""
        return np.zeros((len(x), model.dim, model.dim))


class AddedNoise(Noise):
    """A noise that is drawn and added to the gradient."""

    __slots__ = ()
    adds = True


@record(Noise)
class Silence(NamedTuple):
    """No noise."""

    name: str
    params: Any
    recipe: Recipe | None = None


SILENCE = Silence("none", None)
