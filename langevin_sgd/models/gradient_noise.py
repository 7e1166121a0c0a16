"""The record of a gradient noise that a function draws."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..arguments import flag, optional
from ..kernels.bits import inlined
from ..kernels.functions import interpreted, is_ours
from ..kernels.lanes import WIDTH
from ..kernels.views import part, view
from . import forces
from .evaluate import values_at
from .noise_record import AddedNoise
from .parameters import parameters, size
from .records import Recipe, check_functions, record

DRAWS, FEW_DRAWS = 2048, 8  # of a function of the user's, interpreted
BIAS = 8  # standard errors


@record(
    AddedNoise,
    normals=size(0),
    uniforms=size(0),
    gaussian=flag,
    dim=optional(size(1)),
    scratch_per_component=size(0),
)
class GradientNoise(NamedTuple):
    """Noise with zero mean that is drawn where the gradient is evaluated.

    That is before the update: Ito, as in SGD.

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    sample : callable
        `sample(p, x, z, out)` writes the noise of one example at x into `out`, from `z`: `normals`
        independent standard normals, then `uniforms` independent uniform numbers in [0, 1).
    params : dict or namedtuple
        What `sample` finds in `p`.
    normals, uniforms : int
        How many random numbers one draw takes.
    gaussian : bool
        True if the noise is linear in its normals at fixed x, which is checked: a batch of B is
        then one draw divided by sqrt(B), which is the same law.
    dim : int, optional
        Number of components, where it is fixed by the parameters: a model of another dimension is
        refused.
    scratch_per_component : int
        For a model of d components, `out` has d (1 + scratch_per_component) numbers; those behind
        the first d are free.
    covariance : callable, optional
        `covariance(p, x, out)` writes Sigma(x), d*d numbers row by row, for those who ask for it;
        that of Gaussian noise is known without.

    Examples
    --------
    Uniform noise on (-1, 1) of a model in one dimension; the uniform number 3/4 gives 1/2:

    >>> def sample(p, x, z, out):
    ...     out[0] = p.width * (z[0] - 0.5)
    >>> noise = ls.GradientNoise("uniform", sample, {"width": 2.0}, normals=0, uniforms=1, dim=1)
    >>> xi = np.zeros(1)
    >>> noise.sample(noise.params, [0.0], [0.75], xi)
    >>> print(noise, xi)
    GradientNoise('uniform', width=2.0, dim=1) [0.5]
    """

    name: str
    sample: Callable
    params: Any
    normals: int
    uniforms: int = 0
    gaussian: bool = False
    dim: int | None = None
    scratch_per_component: int = 0
    covariance: Callable | None = None
    recipe: Recipe | None = None

    def _checked(self):
        check_functions(self, sample=("p x z out", None, 0), covariance=("p x out", None, 0))
        if self.gaussian and self.uniforms:
            raise ValueError(
                f"uniforms must be 0 for gaussian=True, got {self.uniforms}: {self.name!r} cannot "
                "be Gaussian in uniform numbers."
            )
        self = self._with(params=parameters(self.params, repr(self.name)))
        if self.dim is not None:
            self._check_linear(self.dim)
        return self

    def _check_linear(self, dim):
        if self.gaussian and not is_ours(self.sample) and not self._is_linear(dim):
            raise ValueError(
                f"gaussian must be False for {self.name!r}: its sample is not linear in z, so that "
                "a batch of B is not one draw divided by sqrt(B)."
            )

    def _is_linear(self, dim):
        """Whether what is drawn at two places is linear in the normals; True where it cannot be
        run."""
        random, sample = np.random.default_rng(0), interpreted(self.sample)

        def at(x, z):
            out = np.zeros(self._room(dim))
            sample(self.params, x, z.copy(), out)
            return out[:dim]

        for x in np.full(dim, 0.5), random.normal(size=dim):
            a, b = random.normal(size=(2, self.normals))
            try:
                with np.errstate(all="ignore"):
                    parts = np.array([at(x, a), 2.0 * at(x, b), -at(x, a + 2.0 * b)])
            except (ArithmeticError, LookupError, TypeError, ValueError):
                return True  # the rehearsal judges it
            if np.any(abs(parts.sum(axis=0)) > 1e-9 * abs(parts).max()):  # not if nan
                return False
        return True

    def check(self, model, dynamics):
        if self.dim not in (None, model.dim):
            raise ValueError(
                f"noise has {self.dim} components, but the model {model.name!r} has "
                f"dim = {model.dim}."
            )
        if self.dim is None:
            self._check_linear(model.dim)

    def draws(self, model, largest):
        numbers = max(self.normals + 1, self.uniforms + 1) // 2
        count = numbers * (1 if self.gaussian else largest)
        return {"batch_size times the numbers of a draw of noise": count}

    def rows(self, model, draws):
        """Normals, uniforms, and `out` where a function writes more than its `dim` numbers."""
        scratch = self._room(model.dim) if self.scratch_per_component else 0
        return draws.rows(self.normals) + draws.rows(self.uniforms) + scratch

    def force(self, site):
        dim, draws, numbers = site.model.dim, site.draws, self.normals + self.uniforms
        kinds = site.view(dim), site.view(numbers), site.view(self._room(dim))
        sample = site.compiled(self, "sample", *kinds)
        behind = draws.rows(self.normals) + draws.rows(self.uniforms)
        one_draw = _writer(sample, dim, numbers, self._room(dim), behind)
        numbers = forces.numbers_of(site, self.normals, self.uniforms)
        if self.gaussian:
            prepare, mean = forces.one_scaled_draw(one_draw, numbers, dim, draws)
        else:
            prepare, mean = forces.mean_of_draws(one_draw, numbers, dim, dim, draws)
        return forces.with_noise(site.model.force(site), prepare, mean)

    def _room(self, dim):
        return dim * (1 + self.scratch_per_component)

    def doubts(self, model):
        if is_ours(self.sample):
            return
        drawn = self._drawn(model, DRAWS)
        with np.errstate(all="ignore"):
            error = np.sqrt(np.mean(drawn**2, axis=0) / DRAWS)
            biases = np.where(error > 0, drawn.mean(axis=0) / error, 0.0)
        worst = int(np.argmax(np.abs(biases)))
        if abs(biases[worst]) > BIAS:
            yield (
                f"the mean of the noise {self.name!r} is not 0: at x = 0.5 out[{worst}] is "
                f"{biases[worst]:.3g} standard errors from it in {DRAWS} draws. Subtract its mean, "
                "or put that into the model."
            )

    def acts_on(self, model):
        return np.any(self._drawn(model, FEW_DRAWS) != 0, axis=0)

    def _drawn(self, model, draws):
        """What interpreted draws at one place are, an array (draws, d)."""
        random, sample = np.random.default_rng(0), interpreted(self.sample)
        found = np.zeros((draws, self._room(model.dim)))
        with np.errstate(all="ignore"):
            for out in found:
                z = [random.normal(size=self.normals), random.uniform(size=self.uniforms)]
                sample(self.params, np.full(model.dim, 0.5), np.concatenate(z), out)
        return found[:, : model.dim]

    def batch_covariance(self, model, x, batch_size):
        dim, extra = model.dim, 0
        covariance = self.covariance
        if self.gaussian:
            extra = self._room(dim) + self.normals
            covariance = _covariance_of(self.sample, self.normals, self._room(dim))
        if covariance is None:
            raise ValueError(
                f"the covariance of the noise {self.name!r} is not known. Give its record "
                "covariance=, or pass noise_covariance=, that of ONE example's gradient."
            )
        label = f"covariance of {self.name!r}"
        found = values_at(covariance, label, self.params, x, dim * dim + extra)
        return found[:, : dim * dim].reshape(-1, dim, dim) / batch_size


@cache
def _writer(sample, dim, size, room, behind):
    """`sample` as a draw of `forces`; one with scratch numbers writes to z first."""
    if room > dim:

        @inlined
        def write(work, given, x, at, out):
            wide = view(work.z, at + behind * WIDTH, room)
            forces.set_to(wide, dim, 0.0)
            sample(given.noise, x, view(work.z, at, size), wide)
            for k in range(dim):
                out[k] = wide[k]

    else:

        @inlined
        def write(work, given, x, at, out):
            sample(given.noise, x, view(work.z, at, size), out)

    return write


@cache
def _covariance_of(sample, normals, room):
    """Sigma = F F' of a noise F(x) z, from the columns of F; what it needs lies behind it in
    `out`."""

    def write_covariance(p, x, out):
        d = len(x)
        noise, z = part(out, d * d, room), part(out, d * d + room, normals)
        for k in range(d * d):
            out[k] = 0.0
        for j in range(normals):
            for k in range(normals):
                z[k] = 1.0 if k == j else 0.0
            for k in range(d):
                noise[k] = 0.0
            sample(p, x, z, noise)
            for k in range(d):
                for i in range(d):
                    out[k * d + i] += noise[k] * noise[i]

    return write_covariance
