"""Load and kill: many studies at once to a real Orthanc while the watch service is killed again and again.

The outcome is read from Orthanc's own interface, not by the code that wrote it.

    python benchmarks/watch.py --studies 200 --kills 10
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import requests
from pydicom.uid import generate_uid

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / name) for name in ("bundle", "tools", "tests/helpers")]

from machine import OUTPUT, machine  # noqa: E402

from orthanc import PASSWORD, USER, Orthanc, find_orthanc, running_orthanc  # noqa: E402
from phantom_studies.study import write_study  # noqa: E402
from scripts.pacs.connect import connect  # noqa: E402

CONFIGS = "['configs/inference.json','configs/study.json','configs/pacs.json','configs/watch.json']"
SIZE = (80, 72, 6)
SERIES = 3
QUICK = {"skull_stripping": "false", "register": "never", "device": "cpu", "poll_seconds": "1"}


class Watch:
    """The service in a process of its own, and what it needs of memory.

    Args:
        server: the PACS.
        folder: of state and log.
        options: of the command, over those that make it quick.
    """

    def __init__(self, server: Orthanc, folder: Path, **options: str) -> None:
        self.state = folder / "state"
        self.log = folder / "watch.log"
        given = {
            **QUICK,
            "pacs_url": server.url,
            "pacs_user": USER,
            "orthanc_url": f"http://127.0.0.1:{server.http}",
            "state_dir": str(self.state),
            **options,
        }
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        self.command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", CONFIGS, *words]
        self.process: subprocess.Popen | None = None
        self.memory: list[list[float]] = []

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def start(self) -> None:
        """Start it, without waiting until it is ready."""
        variables = {"FUSIONINN_PACS_PASSWORD": PASSWORD, "OMP_NUM_THREADS": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT / "bundle", env={**os.environ, **variables}, stdout=log, stderr=log
            )
        self.memory.append([])

    def sample(self) -> None:
        """Note how much memory it holds, in MB."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            self.memory[-1].append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
        except (OSError, IndexError):
            pass

    def kill(self) -> None:
        """Kill it at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> int:
        """Ask it to stop; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(900)


class Rest:
    """Orthanc's own interface.

    Args:
        server: the PACS.
    """

    def __init__(self, server: Orthanc) -> None:
        self.url = f"http://127.0.0.1:{server.http}"
        self.session = requests.Session()
        self.session.auth = (USER, PASSWORD)

    def ask(self, path: str) -> Any:
        """Return an answer; a connection that Orthanc drops is opened anew."""
        for attempt in range(5):
            try:
                self.session.close()
                answer = self.session.get(f"{self.url}/{path}", timeout=60)
                answer.raise_for_status()
                return answer.json()
            except requests.ConnectionError:
                if attempt == 4:
                    raise
                time.sleep(0.5)
        return None

    def derived(self) -> dict[str, list[tuple[str, int]]]:
        """Return, by StudyInstanceUID, description and number of instances of each series that is not the sender's."""
        found: dict[str, list[tuple[str, int]]] = {}
        all_series = self.ask("series?expand")  # first: more arrive while this is asked
        parents = {one["ID"]: one["MainDicomTags"]["StudyInstanceUID"] for one in self.ask("studies?expand")}
        for series in all_series:
            tags = series["MainDicomTags"]
            derived = found.setdefault(parents[series["ParentStudy"]], [])
            if tags.get("Manufacturer") == "FusionINN":
                derived.append((tags["SeriesDescription"], len(series["Instances"])))
        return found


def brain() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the middle of the embedded example, by source."""
    volumes = {}
    for source, name in (("t1gd", "t1ce"), ("flair", "flair")):
        image = nib.load(ROOT / "bundle" / "example" / "phantom-01" / f"phantom-01_{name}.nii.gz")
        corner = [n // 2 - part // 2 for n, part in zip(image.shape, SIZE, strict=True)]
        image = image.slicer[tuple(slice(a, a + n) for a, n in zip(corner, SIZE, strict=True))]
        volumes[source] = (np.asarray(image.dataobj, dtype=np.float32), image.affine)
    return volumes


@contextmanager
def sending(server: Orthanc, folder: Path, studies: int) -> Iterator[list[str]]:
    """Write studies, and send them at once, in eight connections, while the block runs."""
    volumes, uids = brain(), [generate_uid() for _ in range(studies)]
    for number, uid in enumerate(uids):
        write_study(folder / f"{number:04d}", volumes, patient_id=f"LOAD-{number:04d}", study_uid=uid)

    def send(number: int) -> None:
        connect(server.url, USER, PASSWORD).send(folder / f"{number:04d}", new_study=True)

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(send, number) for number in range(studies)]
        yield uids
        for future in futures:
            future.result()


def judge(derived: dict[str, list[tuple[str, int]]], uids: Sequence[str]) -> dict[str, int]:
    """Count studies with one result, with none, with a part of one, and with more than one."""
    whole = {
        "FusionINN fused (not for diagnostic use)": SIZE[2],
        "ESTIMATED t1gd by FusionINN (not for diagnostic use)": SIZE[2],
        "ESTIMATED flair by FusionINN (not for diagnostic use)": SIZE[2],
    }
    counts: Counter[str] = Counter({"once": 0, "missing": 0, "in part": 0, "double": 0})
    for uid in uids:
        series = derived.get(uid, [])
        if not series:
            counts["missing"] += 1
        elif len(series) > SERIES or len({name for name, _ in series}) < len(series):
            counts["double"] += 1
        else:
            counts["once" if dict(series) == whole else "in part"] += 1
    return dict(counts)


def load(folder: Path, studies: int, kills: int, seed: int, limit: float) -> dict[str, Any]:
    """Send studies while the service is killed, and count the results.

    Args:
        folder: empty.
        studies: how many.
        kills: how many, spread over the first half of the run, each after a random moment; the other half shows
            whether memory stays flat.
        seed: of these moments.
        limit: seconds after which it is given up.
    """
    moments = random.Random(seed)
    with running_orthanc(folder / "orthanc") as server, Watch(server, folder) as watch:
        rest = Rest(server)
        (folder / "sent").mkdir(parents=True)
        start, killed = time.monotonic(), []
        watch.start()
        while "Ready" not in watch.log.read_text(errors="replace") and time.monotonic() - start < limit:
            time.sleep(0.2)
        stop = threading.Event()

        def sample() -> None:
            while not stop.wait(0.5):
                watch.sample()

        threading.Thread(target=sample, daemon=True).start()
        begun = time.monotonic()
        with sending(server, folder / "sent", studies) as uids:
            while time.monotonic() - start < limit:
                done = judge(rest.derived(), uids)["once"]
                if len(killed) < kills and done >= (len(killed) + 0.5) * studies / (2 * kills):
                    time.sleep(moments.uniform(0, 2))
                    watch.kill()
                    killed.append(done)
                    watch.start()
                    # now and then also while it starts
                    time.sleep(moments.uniform(0, 12))
                elif done == studies and len(killed) == kills:
                    break
                else:
                    time.sleep(1)
        seconds = time.monotonic() - begun
        time.sleep(8)  # for what would come too late, and the studies that became stable again
        stop.set()
        code = watch.stop()
        counted = judge(rest.derived(), uids)
        instances = rest.ask("statistics")["CountInstances"]
        files = sum(1 for _ in (folder / "sent").rglob("*.dcm"))
    last = watch.memory[-1]
    tenth = max(len(last) // 10, 1)
    warm = last[len(last) // 5 :]
    return {
        "studies": studies,
        "kills": len(killed),
        "done_at_kill": killed,
        "results": counted,
        "instances": {"sent": files, "expected": files + studies * SERIES * SIZE[2], "in the PACS": instances},
        "seconds": round(seconds, 1),
        "memory_mb": {
            "after a fifth of the last process": round(float(np.mean(warm[:tenth])), 1) if warm else None,
            "at its end": round(float(np.mean(last[-tenth:])), 1) if last else None,
            "largest of all processes": round(max(max(run) for run in watch.memory if run), 1),
        },
        "exit_code": code,
        "errors_logged": watch.log.read_text(errors="replace").count(" - ERROR - "),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print and write the figures; fail unless there is one result of each study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=3600, help="seconds")
    parser.add_argument("--keep", type=Path, help="folder to work in, kept; a temporary one without")
    parser.add_argument("--output", type=Path, default=OUTPUT / "watch.json")
    options = parser.parse_args(arguments)
    try:
        find_orthanc()
    except FileNotFoundError as missing:
        raise SystemExit(str(missing)) from None
    with tempfile.TemporaryDirectory(prefix="watch-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        found = {"machine": machine(), **load(folder, options.studies, options.kills, options.seed, options.limit)}
        if found["results"]["once"] != options.studies:
            print((folder / "watch.log").read_text(errors="replace")[-4000:], file=sys.stderr)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    expected = found["instances"]["expected"] == found["instances"]["in the PACS"]
    if found["results"]["once"] != options.studies or not expected:
        raise SystemExit("Not every study has exactly one result.")


if __name__ == "__main__":
    main()
