"""Equal bins along one or two components: what `histogram` and `currents` have in common."""

from typing import NamedTuple

import numpy as np

from ...arguments import finite_array, whole_numbers
from ...kernels.elementary import maximum, minimum
from .readings import Estimate, add_up_counts, labelled, variables_of


class Grid(NamedTuple):
    """Bins along each of the components; arrays with one entry a component."""

    components: tuple
    lower: np.ndarray
    upper: np.ndarray
    bins: np.ndarray

    def params(self):
        """What `bin_of` finds in `p`; bin 0 lies below the range, the last one above."""
        return {
            "lower": self.lower,
            "per_length": self.bins / (self.upper - self.lower),
            "last": self.bins + 1.0,
            "component": self.components,
        }

    def lengths(self):
        """Numbers of bins, those outside the range included."""
        return tuple(int(n) + 2 for n in self.bins)

    def widths(self):
        """Of a bin, in units of length."""
        return (self.upper - self.lower) / self.bins

    def axes(self, name):
        """The coordinates of the middles of the bins, a dict dim -> (dim, values, attributes)."""
        found = {}
        for k, component in enumerate(self.components):
            dim, width = f"{name}_x{component}", float(self.widths()[k])
            middles = self.lower[k] + (np.arange(self.bins[k]) + 0.5) * width
            labels = {"long_name": f"middle of a bin, x{component}", "units": "length"}
            found[dim] = dim, middles, labels | {"bin_width": width}
        return found

    def components_along(self, dim):
        """The coordinate of a dimension whose entries belong to the components."""
        return {dim: labelled(dim, [f"x{k}" for k in self.components], "component of x")}

    def inside(self, counts):
        """`counts` (replicates, *lengths, ...) without the bins outside the range."""
        return counts[(slice(None), *[slice(1, -1)] * len(self.bins))]

    def densities(self, name, dims, words, units, readings):
        """The variables of the density and of the counts in the bins inside."""
        cell, counts = np.prod(self.widths()), self.inside(readings.counts[..., 0])

        def density(means):
            return means.reshape(*means.shape[:-1], *self.bins) / cell

        estimate = Estimate("density", dims, f"density of {words}", units, density)
        count = {f"{name}_count": labelled(dims, counts.sum(axis=0), "readings in a bin")}
        return count | variables_of(name, [estimate], readings, self.sums(readings, 0))

    def sums(self, readings, number):
        """What `variables_of` wants: of the readings, the numbers `number` of each bin inside."""
        return add_up_counts(readings.counts[..., 0], self.inside(readings.counts)[..., number])

    def check_model(self, name, model):
        """Refuse a component that the model does not have."""
        if max(self.components) >= model.dim:
            raise ValueError(
                f"components of {name!r} must be below dim = {model.dim} of {model.name!r}, got "
                f"{max(self.components)}."
            )


def bin_of(p, k, place):
    """The number of the bin along axis k in which `place` lies."""
    return minimum(maximum((place - p.lower[k]) * p.per_length[k] + 1.0, 0.0), p.last[k])


def grid(lower, upper, bins, components):
    """A `Grid` of checked arguments; numbers stand for all components."""
    components = whole_numbers(components, "components", 0)
    axes = len(components)
    if axes not in (1, 2) or len(set(components)) < axes:
        raise ValueError(f"components must be one or two different ones, got {components}.")
    found = {
        "lower": finite_array(lower, "lower"),
        "upper": finite_array(upper, "upper"),
        "bins": np.array(whole_numbers(bins, "bins", 1)),
    }
    for name, value in found.items():
        if value.size not in (1, axes):
            raise ValueError(
                f"{name} must be a number or have {axes} entries, one for each component, got the "
                f"shape {value.shape}."
            )
        found[name] = np.broadcast_to(np.ravel(value), axes).copy()
    if not np.all(found["lower"] < found["upper"]):
        raise ValueError(
            f"lower must be below upper, got {found['lower'].tolist()} and "
            f"{found['upper'].tolist()}."
        )
    return Grid(components, **found)
