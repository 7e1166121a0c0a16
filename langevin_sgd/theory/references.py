"""The works that docstrings cite, how much of each was read, and what is used of it.

Docstrings cite a work by the name in the first column. A result that the docstring calls derived
was derived here, and is tested against a second route, whatever was read. Works that are not listed
were used as the docstring says.

name | where | read | used
--- | --- | --- | ---
Amari 1998 | Neural Computation 10, 251 | nothing | name of the Fisher metric; derived
Anderson and Darling 1952 | Annals Math. Statistics 23, 193 | nothing | limit law of omega^2
Andreyev et al. 2026 | edge of stochastic stability with momentum | abstract | two plateaus; derived
Azizian et al. 2024 | ICML 2024 | abstract | the general statement on large deviations of SGD
Bailey 1994 | Mathematics of Computation 62, 779 | nothing | Student's t for m = 1; derived
Bernstein et al. 2018 | arXiv:1802.04434 | abstract | algorithms of signSGD and Signum
Chaudhari and Soatto 2018 | arXiv:1710.11029 | example 19 | prefactor eta/(2 B), as commonly quoted
Chwialkowski et al. 2016 | kernel test of goodness of fit | nothing | definition; integrals derived
Collet et al. 2013 | Quasi-Stationary Distributions | from memory | existence of such a law
Conway and Sloane 1992 | low-dimensional lattices | from memory | Selling's algorithm; sum checked
Csorgo and Faraway 1996 | J. Royal Statistical Society B 58, 221 | nothing | that tables exist
Damian et al. 2023 | self-stabilization at the edge of stability | nothing | mechanism; derived
Fehrenbach and Mirebeau 2014 | monotone schemes | from memory | Selling's algorithm; sum checked
Furstenberg and Kesten 1960 | products of random matrices | nothing | sign of E log decides
Gardiner 2009 | Handbook of Stochastic Methods, chapter 5.2 | from memory | mean first-passage time
Godreche and Luck 2018 | arXiv:1807.00694 | opening | circulation and entropy production; derived
Hairer et al. 1993 | Solving Ordinary Differential Equations I | nothing | DOP853, as in SciPy
Jastrzebski et al. 2018 | arXiv:1711.04623 | nothing | noise scale eta/S, as commonly quoted
Kesten 1973 | random difference equations | nothing | tail exponent of a linear recursion
Kuehn and Rosenow 2023 | arXiv:2306.05300 | abstract | anti-correlated epochs; finite M derived
Kunin et al. 2023 | arXiv:2107.09133 | abstract, notebook | underdamped limit; derived
Kwon et al. 2005 | dynamics near fixed points | nothing | A S = D + Q; derived
Leimkuhler and Matthews 2013 | arXiv:1203.5428 | abstract | the integrators; moments derived
Li et al. 2017 | arXiv:1511.06251 | abstract | coefficients of the modified equation; checked
Li et al. 2021 | arXiv:2102.12470 | abstract | SVAG; its moments and its order derived and measured
Liao et al. 2026 | arXiv:2604.21016 | abstract | its gap to 2/eta; exact identities derived
Liu et al. 2016 | kernelized Stein discrepancy | nothing | definition; integrals derived
Liu et al. 2021 | arXiv:2012.03636 | abstract | finite-rate covariance with momentum; derived
Ma et al. 2017 | arXiv:1711.10467 | from memory | phase retrieval
Mandt et al. 2017 | arXiv:1704.04289 | abstract | small-step covariance; derived
Martens 2020 | new insights on natural gradients | nothing | three matrices called Fisher; derived
McCandlish et al. 2018 | arXiv:1812.06162 | nothing | definition of the simple noise scale
McCullagh and Nelder 1989 | Generalized Linear Models | from memory | canonical links; derived
Miller 1955 | bias of information estimates | nothing | leading bias (K - 1)/(2 n); derived
Mori et al. 2022 | arXiv:2105.09557 | abstract, notes on its text | decoupled noise; escape exponent
Mulayoff and Michaeli 2023 | arXiv:2306.07850 | abstract | stability criterion; derived
Paninski 2003 | Neural Computation 15, 1191 | nothing | leading bias (K - 1)/(2 n); derived
Pontryagin et al. 1933 | Zh. Eksp. Teor. Fiz. 3, 165 | from memory | mean first-passage time
Priestley 1981 | Spectral Analysis and Time Series | nothing | autocorrelation time; derived
Quasi-potential theory 2021 | for escape problem, submitted to ICLR | two thirds | exponent
Ragwitz and Kantz 2001 | Phys. Rev. Lett. 87, 254501 | nothing | drift in the second moment; derived
Saad and Solla 1995 | Physical Review E 52, 4225 | from memory | committee machine
Shaw and Whalley 2025 | arXiv:2501.16055 | abstract | reshuffled batches bias less; order measured
Smith and Le 2018 | arXiv:1710.06451 | nothing | noise scale eta N / B, as commonly quoted
Smith et al. 2021 | arXiv:2101.12176 | nothing | trace term of the modified loss; enumerated
Sokal 1997 | Monte Carlo methods in statistical mechanics | nothing | autocorrelation time; derived
Solomyak 1995 | Bernoulli convolutions | nothing | when the law has a density; digits derived
Srebro and Jaakkola 2003 | weighted low-rank approximations | from memory | the model
Tolman 1918 | general theory of energy partition | nothing | the theorem; derived
Wu and Su 2023 | implicit regularization and stability | abstract | trace bound; B > 1 derived
Wu et al. 2022 | alignment of noise and Hessian | abstract | Frobenius bound (mu0 from memory)
Xie et al. 2021 | arXiv:2002.03495 | a later paper's table | escape time
Yaida 2018 | arXiv:1810.00004 | nothing | virial identity; derived
Zhu et al. 2019 | arXiv:1803.00195 | abstract, program | two bowls; indicator tr(H Sigma)
Ziyin et al. 2022 | arXiv:2102.05375 | abstract | regression's covariance; momentum derived

Results that contradict a work, with the statement that they contradict:

name | its statement | here | where
--- | --- | --- | ---
Kunin et al. 2023 | oscillates: eta h > (1 - mu)^2/(2 + 2 mu) | (1 - sqrt mu)^2 | theory/momentum.py
Liao et al. 2026 | gap = eta sigma^2/(4 alpha) | two terms more | studies/stability_atlas.py
Mori et al. 2022 | Sigma = 2 L H near a minimum | 2 L H + G G' | theory/example_gradients.py
Mori et al. 2022 | tail exponent = 1 + 2 B/(eta h) | Kesten's | studies/three_tails.py
Mulayoff and Michaeli 2023 | small batches = less stable | in moments | studies/stability_atlas.py
Quasi-potential theory 2021 | exponent = 2 (B/eta) r^2 sqrt(h) | B r^2/eta | studies/escape.py
Xie et al. 2021 | prefactor = 2 pi/|H_s| | Ito's 2 pi/H_a | theory/escape.py
Zhu et al. 2019 | escapes = tr(H Sigma) | 11.8 times apart at one | studies/which_scalar.py
"""
