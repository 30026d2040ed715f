"""Asks a Triton server with several clients at once and prints what came back; judges nothing.

ENVIRONMENT/bin/python -P tests/clients/triton.py --repository models --images images.npy

Runs in the environment of requirements/clients/triton.txt, without logo_keras. Starts the server on the loopback, asks
over KServe v2 (HTTP, then gRPC), stops the server whatever happens, and prints JSON:

    {"server": {"version": ...}, "http": {...}, "grpc": {...}}

and for each protocol `answers` (name to a list, one entry a photograph), `together` (the same of the first three in one
request), `classes` (the first one's three best, as the server names them), `refused` (what it says to an image of
another size), `requests`, `seconds`, `milliseconds` (of each request, ascending), `p50`, `p95`, `p99` (of these, by
nearest rank), `inferences` and `executions` (the server's counts), `mean_batch`, `batches` (size to number of
executions), `queue_ms` (the server's mean for a request), `compute_ms` (for an execution) and `processor_ms` (what the
server's processes used of the processor, for a request); with `--page` also `example`, what the page's example prints.
"""

import argparse
import contextlib
import gc
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import tritonclient.grpc
import tritonclient.http

SERVE = Path(__file__).resolve().parents[2] / "deploy" / "triton" / "serve.py"
PROTOCOLS = {"http": tritonclient.http, "grpc": tritonclient.grpc}
INPUT = "images"
# s, for one answer. A request that hangs must not hang the test.
TIMEOUT = 60
START, STOP = 60, 15


@contextlib.contextmanager
def server(repository):
    """Starts the server and yields its addresses by protocol, and the `group` of its processes, once it is ready.

    It is stopped after the block.

    Raises:
        RuntimeError: with the end of the server's log, if it is not ready in time.
    """
    # Held at the same time, so that they differ.
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in PROTOCOLS]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        ports = {name: each.getsockname()[1] for name, each in zip(PROTOCOLS, sockets, strict=True)}
    flags = [f"--{name}-port={port}" for name, port in ports.items()]
    flags += ["--allow-metrics=false", "--exit-timeout-secs=5"]
    with tempfile.TemporaryFile() as log:
        program = [sys.executable, str(SERVE), str(repository), *flags]
        # A group of its own: the process that runs model.py goes with the server.
        process = subprocess.Popen(program, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            urls = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
            urls["group"] = process.pid
            if not _ready(process, urls["http"]):
                log.seek(0)
                tail = log.read().decode(errors="replace")[-3000:]
                raise RuntimeError(f"the server ended, or was not ready within {START} s:\n{tail}")
            yield urls
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP)


def _ready(process, url):
    client = tritonclient.http.InferenceServerClient(url)
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, tritonclient.utils.InferenceServerException):
            if client.is_server_ready():
                return True
        time.sleep(0.1)
    return False


class Client:
    """One client of one protocol."""

    def __init__(self, protocol, url, model):
        self.module, self.model = PROTOCOLS[protocol], model
        limits = {"network_timeout": TIMEOUT, "connection_timeout": TIMEOUT} if protocol == "http" else {}
        self.client = self.module.InferenceServerClient(url, **limits)
        self.limits = {} if protocol == "http" else {"client_timeout": TIMEOUT}
        self.json = {} if protocol == "http" else {"as_json": True}

    def ask(self, images, outputs=None):
        """Sends float32 `[b, S, S, 3]`; returns the server's answer."""
        tensor = self.module.InferInput(INPUT, list(images.shape), "FP32")
        tensor.set_data_from_numpy(images)
        return self.client.infer(self.model, [tensor], outputs=outputs, **self.limits)

    def close(self):
        """Closes the connection; for gevent, in the thread that opened it."""
        self.client.close()

    def classes(self, images, count):
        """The best classes of an image as the server writes them: score:index:name."""
        wanted = self.module.InferRequestedOutput("probabilities", class_count=count)
        return [line.decode() for line in self.ask(images, [wanted]).as_numpy("probabilities").reshape(-1)]


def measure(protocol, urls, model, images, clients, requests):
    """Sends `requests` requests of one photograph each, `clients` at once, and returns the figures and answers."""
    counter = tritonclient.http.InferenceServerClient(urls["http"])
    names = [output["name"] for output in counter.get_model_metadata(model)["outputs"]]
    numbers, lock, gate = iter(range(requests)), threading.Lock(), threading.Barrier(clients + 1, timeout=TIMEOUT)
    answers, latencies, errors = [None] * len(images), [], []

    def work():
        client = Client(protocol, urls[protocol], model)
        try:
            client.ask(_image(images, 0))
            gate.wait()  # everybody is warm
            gate.wait()  # the statistics are read
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None or errors:
                    return
                image = _image(images, number % len(images))
                start = time.perf_counter()
                answer = client.ask(image)
                latencies.append(1e3 * (time.perf_counter() - start))
                answers[number % len(images)] = {name: answer.as_numpy(name)[0].tolist() for name in names}
        except Exception as error:
            errors.append(error)
            gate.abort()
        finally:
            client.close()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    with contextlib.suppress(threading.BrokenBarrierError):
        gate.wait()
        before, processor = _settled(counter, model), _processor_seconds(urls["group"])
        start = time.perf_counter()
        gate.wait()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    seconds = time.perf_counter() - start
    processor = _processor_seconds(urls["group"]) - processor
    counted = {key: value - before.get(key, 0) for key, value in _settled(counter, model).items()}
    latencies.sort()
    return {
        "answers": {name: [answer[name] for answer in answers] for name in names},
        "requests": requests,
        "seconds": seconds,
        "milliseconds": latencies,
        **{f"p{share}": latencies[-(-share * requests // 100) - 1] for share in (50, 95, 99)},
        "inferences": counted["inferences"],
        "executions": counted["executions"],
        "mean_batch": counted["inferences"] / counted["executions"],
        "batches": {key: value for key, value in counted.items() if isinstance(key, int) and value},
        "queue_ms": counted["queue"] / counted["inferences"] / 1e6,
        "compute_ms": counted["compute"] / counted["executions"] / 1e6,
        "processor_ms": 1e3 * processor / requests,
    }


def _image(images, place):
    return images[place : place + 1].astype(np.float32)


def _example(protocol, urls, page, replaced):
    """What the first Python example of a page prints over a protocol, its words replaced as the dict says."""
    code = Path(page).read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    for word, other in {**replaced, "tritonclient.http": f"tritonclient.{protocol}", "127.0.0.1:8000": urls[protocol]}.items():
        if word not in code:
            raise ValueError(f"{page}: its example has no {word!r}")
        code = code.replace(word, other)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(page), "exec"), {})
    return printed.getvalue()


def _settled(client, model):
    """The server's counts once they stand still: it counts a request a moment after it has answered."""
    last, end = None, time.monotonic() + 5
    while (now := _statistics(client, model)) != last and time.monotonic() < end:
        last = now
        time.sleep(0.2)
    return now


def _processor_seconds(group):
    """Processor time that the processes of a group have used."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # Behind the program's name, which may hold anything: state, parent, group, ...; then user and system time.
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _statistics(client, model):
    """The server's counts so far; under the number n, how many batches of n it ran."""
    counts = client.get_inference_statistics(model)["model_stats"][0]
    times = counts["inference_stats"]
    found = {batch["batch_size"]: batch["compute_infer"]["count"] for batch in counts.get("batch_stats", ())}
    # Triton adds the time of a batch once for each of its requests in inference_stats, and once in batch_stats.
    compute = sum(batch["compute_infer"]["ns"] for batch in counts.get("batch_stats", ()))
    return {
        **found,
        "inferences": counts["inference_count"],
        "executions": counts["execution_count"],
        "queue": times["queue"]["ns"],
        "compute": compute,
    }


def _alone(protocol, urls, model, images):
    """What a single client sees: several photographs in one request, named classes, the refusal of another size."""
    client = Client(protocol, urls[protocol], model)
    try:
        client.ask(np.zeros((1, 8, 8, 3), np.float32))
        refused = None
    except tritonclient.utils.InferenceServerException as error:
        refused = error.message()
    answer = client.ask(images[:3].astype(np.float32))
    together = {
        output["name"]: answer.as_numpy(output["name"]).tolist() for output in answer.get_response(**client.json)["outputs"]
    }
    return {"together": together, "classes": client.classes(_image(images, 0), 3), "refused": refused}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repository", required=True, help="model repository, as deploy/triton/repository.py writes it")
    parser.add_argument("--images", required=True, help=".npy, uint8 [P, S, S, 3], of the model's size")
    parser.add_argument("--model", default="logo", help="the model's name in the repository")
    parser.add_argument("--clients", type=int, default=8, help="how many ask at once")
    parser.add_argument("--requests", type=int, default=0, help="for each protocol; at least one a photograph")
    parser.add_argument("--protocols", default=",".join(PROTOCOLS), help="in this order")
    parser.add_argument("--page", help="a page whose first Python example is run too")
    parser.add_argument("--replace", default="{}", help="JSON, words of the example and what to put for them")
    parser.add_argument("--seconds", type=int, default=300, help="gives up after so long")
    values = parser.parse_args()
    images = np.load(values.images, allow_pickle=False)

    def give_up(number, frame):
        raise TimeoutError(f"gave up after {values.seconds} s, or was told to stop (signal {number})")

    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, give_up)
    signal.alarm(values.seconds)
    with server(values.repository) as urls:
        found = {"server": tritonclient.http.InferenceServerClient(urls["http"]).get_server_metadata()}
        for protocol in values.protocols.split(","):
            found[protocol] = {
                **measure(protocol, urls, values.model, images, values.clients, max(values.requests, len(images))),
                **_alone(protocol, urls, values.model, images),
            }
            if values.page:
                found[protocol]["example"] = _example(protocol, urls, values.page, json.loads(values.replace))
    # tritonclient's exceptions hold their client in a circle, and gevent cannot close it when the interpreter ends.
    gc.collect()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
