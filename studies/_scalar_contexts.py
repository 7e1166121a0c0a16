"""What which_scalar.py measures away from the minimum, across a barrier, and of the law of G."""

import numpy as np
from _runner import described, with_error
from _scalar_answers import batch_gradients, mean_with_error
from _scalar_tables import diabetes
from scipy.stats import norm

import langevin_sgd as ls

BATCHES, LARGE = (1, 4, 16), (1, 4, 16, 64, 256, 1024)
POINTS, FORCE = ("steep", "flat"), 0.3  # G_T along H's steepest or flattest direction; its size
WELL_RATE, HEAT = 0.1, {"along": (0.1, 0.05), "across": (0.05, 0.1)}  # rate Sigma/2, per direction
EDGES, FAR = np.linspace(-8, 8, 65), 3.0  # in standard deviations


def transient(settings):
    """One step from two points where |G_T| is the same: error of the batch gradient, and what the
    best step gains; exact: tr Sigma/B, and that of the full gradient over 1 + curvature scale/B.
    Along the flat direction the best step is longer than a stable learning rate: it is one step."""
    table, found = diabetes(), []
    curvature, basis = np.linalg.eigh(table.hessian)
    for mode in (-1, 0):
        x0 = table.minimum + FORCE / curvature[mode] * basis[:, mode]
        about = ls.analysis.gradient_covariance(table.loss(), x0)
        force, sigma = about.mean_gradient.values, about.covariance.values
        square, bend = force @ force, force @ table.hessian @ force
        simple, curved = float(about.noise_scale), np.trace(table.hessian @ sigma) / bend
        start, most, rows = table.rise(x0 - table.minimum), square**2 / bend / 2, []
        for batch in LARGE:
            rate = square / bend / (1 + curved / batch)
            g = batch_gradients(table, settings, x0, batch)
            error = ((g - force) ** 2).sum(axis=1) / square
            gain = (start - table.rise(x0 - rate * g - table.minimum)) / most
            rows.append([mean_with_error(error), mean_with_error(gain)])
        sizes = np.array(LARGE)
        found.append((np.array(rows), simple / sizes, 1 / (1 + curved / sizes), simple, curved))
    rows, error, gain, simple, curved = (np.array(each) for each in zip(*found, strict=True))
    dims, texts = ("point", "large_batch"), ("|g - G_T|^2/|G_T|^2", "gain of the best step")
    values = with_error("error", dims, np.moveaxis(rows[:, :, 0], -1, 0), "1", texts[0])
    values |= with_error("gain", dims, np.moveaxis(rows[:, :, 1], -1, 0), "1", texts[1])
    values |= {
        "error_exact": (dims, error, "1", f"exact {texts[0]}"),
        "gain_exact": (dims, gain, "1", f"exact {texts[1]}"),
        "simple_scale": ("point", simple, "1", "tr Sigma/|G_T|^2"),
        "curvature_scale": ("point", curved, "1", "tr(H Sigma)/(G_T' H G_T)"),
    }
    return described(values)


def escape(settings):
    """Steps from the bottom of a double well to its top, H = 2 at the bottom, for two noises whose
    covariances have the same eigenvalues: hot along the way out, or across it."""
    well, found = ls.potentials.double_well(dim=2, barrier=0.25, stiffness=2.0), []
    for along, across in HEAT.values():
        sigma = 2 / WELL_RATE * np.diag([along, across])
        noise = ls.noise.gaussian(sigma * (2 if settings.plant else 1))
        options = {"particles": settings.few, "steps": 2_000_000, "x0": [1.0, 0.0]}
        options |= {"seed": settings.seed, "threads": settings.threads}
        seen = ls.reducers.first_passage(below=0.0)
        run = ls.simulate(well, ls.dynamics.sgd(WELL_RATE), noise, reducers=seen, **options)
        line = ls.potentials.double_well(barrier=0.25)
        where = {"start": [1.0], "inside": [(0, np.inf)]}
        exact = ls.theory.mean_first_passage_steps(line, sigma[0, 0], WELL_RATE, **where)
        pair = run.first_passage_mean, run.first_passage_mean_standard_error, exact.mean_steps[0]
        found.append([float(each) for each in pair])
    steps, error, exact = np.transpose(found)
    text = "steps to the top of the barrier"
    values = with_error("escape", ("noise",), (steps, error), "1", text)
    return described(values | {"escape_exact": ("noise", exact, "1", f"exact {text}")})


def shape_of(z):
    """E z^3, E z^4 - 3 and P(|z| > FAR) of numbers of mean 0 and variance 1, and their errors."""
    pairs = [mean_with_error(each) for each in (z**3, z**4 - 3, np.abs(z) > FAR)]
    return np.transpose(pairs)


def law(settings):
    """The batch gradient along Sigma's widest direction, standardised, and its Gaussian twin."""
    table = diabetes()
    values, vectors = np.linalg.eigh(table.sigma)
    direction, shapes, counts = vectors[:, -1] / np.sqrt(values[-1]), [], []
    twin = ls.noise.table_gaussian()
    for batch, noise in [(1, twin), *((batch, None) for batch in BATCHES)]:
        z = (
            batch_gradients(table, settings, table.minimum, batch, noise)
            @ direction
            * np.sqrt(batch)
        )
        shapes.append(shape_of(z))
        counts.append(np.histogram(z, EDGES)[0] / len(z) / (EDGES[1] - EDGES[0]))
    atoms = ls.example_gradients(table.loss(), table.minimum) @ direction
    _, _, third, fourth = ls.theory.noise_cumulants(atoms)
    sizes = np.array([np.inf, *BATCHES])  # the twin has no higher cumulants
    shapes = np.array(shapes)
    dims, tail = ("law", "cumulant"), [2 * norm.sf(FAR), (np.abs(atoms) > FAR).mean()]
    pair, about = np.moveaxis(shapes[:, :, :2], 1, 0), "skewness, excess kurtosis"
    values = with_error("shape", dims, pair, "1", about)
    text = f"share beyond {FAR:g} standard deviations"
    values |= with_error("far", ("law",), shapes[:, :, 2].T, "1", text)
    exact = np.transpose([third / np.sqrt(sizes), fourth / sizes])
    values |= {
        "shape_exact": (dims, exact, "1", f"exact {about}"),
        "far_exact": ("exact_law", tail, "1", f"exact {text}: of the twin, of one example"),
        "density": (("law", "bin"), counts, "1", "density of the standardised batch gradient"),
        "bin": ("bin", (EDGES[1:] + EDGES[:-1]) / 2, "1", "batch gradient / standard deviation"),
    }
    return described(values)
