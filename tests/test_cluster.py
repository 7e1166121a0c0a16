"""The points of a sweep on a real dask cluster of two processes. Needs: pip install -e
".[cluster]".
"""

import os
import signal

import pytest

import langevin_sgd as ls
from langevin_sgd.storage import content_hash

distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")
pytestmark = pytest.mark.slow
GRID = {"learning_rate": [0.05, 0.1, 0.2], "momentum": [0.1, 0.5]}


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def swept(measure=None, **options):
    records = ls.potentials.double_well(), ls.dynamics.sgd, ls.noise.gaussian([0.1])
    options |= {"grid": GRID, "particles": 50, "steps": 40, "seed": 1, "measure": measure}
    return ls.sweep(*records, **options)


def fatal_once(marker):
    """A measure that kills the worker it runs on, the first time that it is asked."""

    def measure(run, model):
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return run
        os.kill(os.getpid(), signal.SIGKILL)

    return measure


def test_a_cluster_gives_the_bits_of_one_process(client, tmp_path):
    assert content_hash(swept(directory=tmp_path, cluster=client)) == content_hash(swept())
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    swept(directory=tmp_path, cluster=client)
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}


def test_a_killed_worker_changes_nothing(client, tmp_path):
    marker, folder = str(tmp_path / "killed"), tmp_path / "sweep"
    workers = set(client.scheduler_info(n_workers=-1)["workers"])
    dataset = swept(fatal_once(marker), directory=folder, cluster=client)
    assert os.path.exists(marker) and set(client.scheduler_info(n_workers=-1)["workers"]) != workers
    assert content_hash(dataset) == content_hash(swept())


def test_what_is_no_client_is_refused(tmp_path):
    with pytest.raises(TypeError, match="cluster must be a distributed.Client, got 'tcp://here'"):
        swept(directory=tmp_path, cluster="tcp://here")
    with pytest.raises(ValueError, match="directory must be given with shard or cluster"):
        swept(cluster="tcp://here")
