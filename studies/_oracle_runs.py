"""Every case of the oracle that can be simulated, by name: `SIMULATIONS[name](excess=1)`."""

from functools import partial

import _oracle_gradients as gradients
import _oracle_linear as linear
import _oracle_tables as tables
import _oracle_wells as wells
from _oracle_cases import CASES, of_group

_INDEPENDENT = "with_replacement", "without_replacement"
_EPOCHS = [name for name in of_group("03") if "burn_in_steps" in CASES[name]]
_LINES = [*of_group("12_nystrom_1d"), *of_group("12_nystrom_heavy_ball")]
_LINES.remove("qsd_eta04_T03")


def _each(function, names):
    return {name: partial(function, name) for name in names}


def _with(function, names, settings):
    return {
        f"{name} {setting}": partial(function, name, setting)
        for name in names
        for setting in settings
    }


def _rows(function, name):
    count = len(CASES[name]["expected"]["rows"])
    return {f"{name} {row}": partial(function, row) for row in range(count)}


def _passages(reach):
    """To the top, and to the other well, where it is near."""
    cases = {name: CASES[name]["inputs"] for name in of_group("06_escape")}
    near = cases if reach == "top" else ["dw_T01"]
    return {
        f"{name} {rate} {reach}": partial(wells.passage, name, rate, reach)
        for name in near
        for rate in cases[name].get("etas", [cases[name].get("eta")])
    }


SIMULATIONS = (
    _each(linear.quadratic, of_group("01"))
    | _each(linear.circulation, of_group("02"))
    | _with(tables.table, _EPOCHS, _INDEPENDENT)
    | _with(tables.epochs, [name for name in _EPOCHS if name != "ls_finite_5x2_hb"], ["reshuffle"])
    | _with(tables.epochs, ["epoch_1d"], ["single_shuffle"])
    | {f"sampling_8x2 {mode}": partial(gradients.one_batch, mode) for mode in _INDEPENDENT}
    | _each(tables.regression, of_group("04_linreg"))
    | _each(tables.tail, of_group("04_kesten"))
    | {"linreg_sigma_2LH": gradients.one_row, "fisher_logistic": gradients.logistic}
    | {"mvt_2d": wells.bowl}
    | _passages("top")
    | _passages("other")
    | {"qsd_eta04_T03": partial(wells.passage, "qsd_eta04_T03")}
    | _rows(linear.weak, "weak_1d")
    | _rows(linear.momentum_rule, "mom_rule")
    | _each(linear.annealing, of_group("09"))
    | _with(linear.integrator, of_group("11_integrators")[:2], linear.METHODS)
    | _with(linear.integrator, of_group("11_integrators")[:2], linear.SPLITTINGS)
    | {"sgld": linear.with_gradient_noise}
    | {"sgld of a table": partial(linear.with_gradient_noise, table=True)}
    | _each(wells.line, _LINES)
    | _each(wells.circle, of_group("12_nystrom_circle"))
    | _each(wells.plane, of_group("12_nystrom_2d"))
    | _each(linear.time_average, ["act_ar1", "act_ar1_neg"])
    | _each(tables.two_point, ["cumulants_rademacher", "uniform_law"])
    | {"cumulants_skewed": tables.skewed}
)
