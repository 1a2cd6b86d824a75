"""A virtual cluster, and the small project on it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.cluster_project import ClusterProject
from cluster.virtual_slurm import VirtualCluster, virtual_cluster
from made_once import made_once
from small_project import TOP_DOWN, Project, lay_out


@pytest.fixture(scope="session")
def cluster() -> Iterator[VirtualCluster]:
    """One cluster for all tests; each leaves it as it was."""
    with virtual_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def finished_locally(pytestconfig) -> Project:
    """The small project after `snakemake --profile local`; copy it, do not change it."""

    def make(folder: Path) -> None:
        project = lay_out(folder)
        project.configure(**TOP_DOWN)
        project.snakemake()

    return Project(made_once(pytestconfig, "finished_locally", make))


@pytest.fixture
def project(finished_locally, cluster, tmp_path) -> ClusterProject:
    """A project of the test's own, after its first night."""
    shutil.copytree(finished_locally.folder, tmp_path / "project", symlinks=True)
    return ClusterProject(tmp_path / "project", cluster)


@pytest.fixture(scope="session")
def finished_on_cluster(cluster, finished_locally, tmp_path_factory) -> ClusterProject:
    """The same recordings and labels after `snakemake --profile slurm`; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("cluster") / "project"
    without = shutil.ignore_patterns("results", "logs", ".snakemake")
    shutil.copytree(finished_locally.folder, folder, symlinks=True, ignore=without)
    project = ClusterProject(folder, cluster)
    project.snakemake()
    return project
