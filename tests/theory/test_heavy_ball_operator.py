"""Heavy-ball SGD in one dimension: the linear chain, and the exact identities of any potential."""

from pytest import approx

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic


def test_quadratic_chain_is_the_companion_gaussian():
    law = theory.transfer_operator_heavy_ball(quadratic([2.0]), 1.5, 0.3, 4, momentum=0.6)
    blocks = theory.stationary_blocks(theory.linear_sgd([[2.0]], [[1.5]], 0.3, 4, 0.6))
    assert law.second_moment.item() == approx(blocks.position.item(), rel=1e-10)
    assert law.velocity_second_moment.item() == approx(blocks.velocity.item(), rel=1e-10)
    assert law.position_velocity.item() == approx(blocks.position_velocity.item(), rel=1e-10)
    assert law.fourth_moment.item() == approx(3 * blocks.position.item() ** 2, rel=1e-9)


def test_identities_of_a_nonlinear_chain():
    """(1 + mu) E v^2 = 2 eta E[x U'] and E[x v] = -E v^2/2; the first would see a factor of two in
    the noise or the step."""
    law = theory.transfer_operator_heavy_ball(double_well(tilt=0.1), 4.0, 0.1, momentum=0.5)
    velocity = law.velocity_second_moment.item()
    assert 1.5 * velocity == approx(0.2 * law.virial.item(), rel=1e-10)
    assert law.position_velocity.item() == approx(-velocity / 2, rel=1e-10)
    assert abs(law.mean_gradient.item()) < 1e-10
    assert law.second_moment_error.item() < 1e-9


def test_without_momentum_it_is_the_plain_chain():
    heavy = theory.transfer_operator_heavy_ball(double_well(), 4.0, 0.1, momentum=0.0)
    plain = theory.transfer_operator(double_well(), 4.0, 0.1)
    assert heavy.second_moment.item() == approx(plain.second_moment.item(), rel=1e-10)
