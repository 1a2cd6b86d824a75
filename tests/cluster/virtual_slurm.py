"""A SLURM cluster on this machine: munge, MariaDB, slurmdbd, slurmctld and several virtual nodes with fake GPUs.

    python tests/cluster/virtual_slurm.py            # a shell in which sbatch, squeue and sacct talk to it
    python tests/cluster/virtual_slurm.py COMMAND    # one command in it

Everything listens on loopback, keeps its files in one temporary folder, and is gone when the command ends. Needs root,
and of Debian the packages slurmctld, slurmd, slurmdbd, slurm-client, munge and mariadb-server.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch")
COMMANDS = ("sacct", "sacctmgr", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun")
PACKAGES = "slurmctld slurmd slurmdbd slurm-client munge mariadb-server"
NODES, NODE_CPUS, NODE_MEMORY_MB, NODE_GPUS = ("n1", "n2", "n3"), 16, 64_000, 2
PATIENCE_S = 120
SEARCHED = f"{os.environ['PATH']}:/usr/sbin"

SLURM_CONF = """\
ClusterName=virtual
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdSpoolDir={folder}/spool.%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
# As many clusters have it: a node that comes back is used again, a job that loses its node is queued again, and the
# partition `urgent` takes the place of jobs of the others.
ReturnToService=2
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePass={folder}/munge.socket
AccountingStoragePort={dbd_port}
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
# Quicker than a real one, so that the tests need not wait.
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0
SlurmctldTimeout=30
SlurmdTimeout=15
InactiveLimit=0
KillWait=5
MinJobAge=300
MessageTimeout=30
{nodes}
PartitionName=cpu Nodes={names} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=gpu Nodes={names} MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes={names} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={sql_port}
StorageUser=root
StorageLoc=slurm_acct_db
"""
MARIADB = (
    "mariadbd",
    "--no-defaults",
    "--user=root",
    "--bind-address=127.0.0.1",
    "--skip-grant-tables",
    "--skip-networking=0",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=32M",
)


class VirtualCluster:
    """The daemons of one cluster; each can be stopped and started again by its name, as `slurmctld` or `n1`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ctld, dbd, sql, *nodes = _free_ports(3 + len(NODES))
        self._dbd_port, self._sql_port = dbd, sql
        lines = [
            f"NodeName={name} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={port} CPUs={NODE_CPUS} "
            f"RealMemory={NODE_MEMORY_MB} Gres=gpu:{NODE_GPUS} State=UNKNOWN"
            for name, port in zip(NODES, nodes, strict=True)
        ]
        facts = {"folder": folder, "host": socket.gethostname(), "ctld_port": ctld, "dbd_port": dbd, "sql_port": sql}
        text = SLURM_CONF.format(**facts, nodes="\n".join(lines), names=",".join(NODES))
        self._write("slurm.conf", text)
        self._write("slurmdbd.conf", SLURMDBD_CONF.format(**facts), 0o600)
        gpus = [f"NodeName={name} Name=gpu File={device}" for name in NODES for device in ("/dev/null", "/dev/zero")]
        self._write("gres.conf", "\n".join(gpus) + "\n")
        self._write("munge.key", secrets.token_hex(64), 0o400)
        # Snakemake's executor drops SLURM_CONF from the environment of the steps within its jobs.
        (folder / "bin").mkdir()
        for name in COMMANDS:
            command = f'SLURM_CONF={folder}/slurm.conf exec {shutil.which(name, path=SEARCHED)} "$@"'
            self._write(f"bin/{name}", f"#!/bin/sh\n{command}\n", 0o755)
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to find the cluster."""
        path = f"{self.folder}/bin:{SEARCHED}"
        return {**os.environ, "PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command of SLURM's and give what it printed."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, name: str) -> None:
        """Start a daemon and wait until it answers."""
        command, is_up = self._daemon(name)
        log = (self.folder / f"{name}.out").open("ab")
        self._daemons[name] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        log.close()
        wait_for(lambda: self._check(name, is_up), f"{name} answers")

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End a daemon, and with it, when a node is killed, the steps that run on it."""
        daemon = self._daemons.pop(name)
        daemon.send_signal(how)
        daemon.wait(timeout=PATIENCE_S)
        if name in NODES and how == signal.SIGKILL:
            for step in self._steps_of(name):
                os.kill(step, signal.SIGKILL)

    def start_all(self) -> None:
        """Bring the cluster up."""
        for name in ("spool", "state", "sql"):
            (self.folder / name).mkdir()
        install = [
            "mariadb-install-db",
            "--no-defaults",
            "--user=root",
            f"--datadir={self.folder}/sql",
            "--skip-test-db",
        ]
        subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
        for name in ("munged", "mariadbd", "slurmdbd"):
            self.start(name)
        self.run("sacctmgr", "-i", "add", "cluster", "virtual")
        self.run("sacctmgr", "-i", "add", "account", "lab", "cluster=virtual")
        self.run("sacctmgr", "-i", "add", "user", "root", "account=lab")
        for name in ("slurmctld", *NODES):
            self.start(name)
        wait_for(lambda: self.run("sinfo", "-h", "-o", "%D %t", "-p", "cpu").split() == ["3", "idle"], "nodes are idle")

    def stop_all(self) -> None:
        """Take down what was started, jobs first."""
        if "slurmctld" in self._daemons:
            self.run("scancel", "--full", "--signal=KILL", "-u", "root", check=False)
        for name in reversed(list(self._daemons)):
            for step in self._steps_of(name):
                os.kill(step, signal.SIGKILL)
            daemon = self._daemons.pop(name)
            daemon.terminate()
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def _daemon(self, name: str) -> tuple[Sequence[str], Callable[[], bool]]:
        folder = self.folder
        if name in NODES:
            state = ("sinfo", "-h", "-N", "-n", name, "-o", "%t", "-p", "cpu")
            return ("slurmd", "-D", "-N", name), lambda: self.run(*state).strip() in ("idle", "mix", "alloc")
        munged = ("munged", "--foreground", "--force", f"--key-file={folder}/munge.key")
        munged += (f"--socket={folder}/munge.socket", f"--pid-file={folder}/munge.pid")
        munged += (f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed", "--num-threads=4")
        sql = (f"--datadir={folder}/sql", f"--port={self._sql_port}", f"--socket={folder}/sql.socket")
        daemons: dict[str, tuple[Sequence[str], Callable[[], bool]]] = {
            "munged": (munged, lambda: (folder / "munge.socket").exists()),
            "mariadbd": ((*MARIADB, *sql), lambda: _answers(self._sql_port)),
            "slurmdbd": (("slurmdbd", "-D"), lambda: _answers(self._dbd_port)),
            "slurmctld": (("slurmctld", "-D"), lambda: "UP" in self.run("scontrol", "ping")),
        }
        return daemons[name]

    def _check(self, name: str, is_up: Callable[[], bool]) -> bool:
        if self._daemons[name].poll() is not None:
            raise RuntimeError(f"{name} ended: {(self.folder / f'{name}.out').read_text()[-2000:]}")
        try:
            return is_up()
        except RuntimeError:
            return False

    def _steps_of(self, node: str) -> list[int]:
        """Processes of the jobs on a node: slurmstepd and all below it. They outlive slurmd, not a power cut."""
        import psutil

        steps = []
        for process in psutil.process_iter(["name", "environ", "cmdline"]):
            environ = process.info["environ"] or {}
            is_ours = environ.get("SLURM_CONF") == str(self.folder / "slurm.conf")
            if is_ours and (environ.get("SLURMD_NODENAME") == node or f"slurmstepd: [{node}" in process.info["name"]):
                steps.append(process.pid)
        return steps

    def _write(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S, every: float = 0.5) -> None:
    """Wait until something holds; RuntimeError if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"after {seconds:g} s it must hold that {what}")
        time.sleep(every)


@contextmanager
def virtual_cluster() -> Iterator[VirtualCluster]:
    """A cluster for as long as the `with` block lasts."""
    missing = [program for program in PROGRAMS if not shutil.which(program, path=SEARCHED)]
    if missing:
        raise RuntimeError(
            f"{', '.join(missing)} must be installed: apt install slurmctld slurmd slurmdbd munge mariadb-server"
        )
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:
        cluster = VirtualCluster(Path(folder))
        try:
            cluster.start_all()
            yield cluster
        finally:
            cluster.stop_all()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    """Run a command, by default a shell, in a cluster of its own."""
    with virtual_cluster() as cluster:
        command = sys.argv[1:] or [os.environ.get("SHELL", "/bin/sh")]
        code = subprocess.run(command, env=cluster.environment, check=False).returncode
    sys.exit(code)


if __name__ == "__main__":
    main()
