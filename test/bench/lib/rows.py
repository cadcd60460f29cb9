"""The rows of the table: each measures one thing of one runtime, once."""

import dataclasses
import json
import re
import statistics
import subprocess
import time
from typing import Callable, Optional

from lib import memory
from lib.network import SERVER
from lib.runtimes import Container
from lib.shell import Failure, run

PORT = "8080"
LOAD = "/bench/load"
IPERF_ATTEMPTS = 5


@dataclasses.dataclass
class Setting:
    seconds: float  # of each measurement
    share: str      # directory with the load tool and configurations; /bench inside
    idle_connections: int


@dataclasses.dataclass
class Row:
    name: str
    unit: str
    higher_is_better: bool
    measure: Callable
    floor: Optional[float] = None  # against runc: a minimum where higher is better, else a maximum


def _load_tool(setting):
    return f"{setting.share}/load"


def _iperf_result(text):
    try:
        report = json.loads(text)
    except ValueError:
        raise Failure(f"iperf3 printed no JSON: {text[:200]}") from None
    if "error" in report:
        raise Failure(f"iperf3: {report['error']}")
    return report["end"]["sum_received"]["bits_per_second"] / 1e9


def iperf(streams, out):
    def measure(runtime, setting):
        with Container(runtime, ["iperf3", "-s"], setting.share) as container:
            container.start()
            command = ["iperf3", "-c", SERVER, "-t", str(setting.seconds), "-P", str(streams), "-J"]
            # The probe that found the port open was a test for the server, after which it opens its
            # listener anew: a connection that comes in between is refused.
            for attempts_left in range(IPERF_ATTEMPTS, 0, -1):
                text = container.load(command + (["-R"] if out else []), timeout=setting.seconds + 30)
                if "Connection refused" not in text or attempts_left == 1:
                    return _iperf_result(text)
                time.sleep(0.2)
    return measure


def with_load(server, client, field, *arguments):
    """Our own server in the container, our own client outside."""
    def measure(runtime, setting):
        with Container(runtime, [LOAD, server, "0.0.0.0", PORT], setting.share) as container:
            container.start()
            text = container.load([_load_tool(setting), client, SERVER, PORT, str(setting.seconds),
                                   *arguments], timeout=setting.seconds + 30)
            return json.loads(text)[field]
    return measure


def nginx(*headers):
    def measure(runtime, setting):
        command = ["nginx", "-c", "/bench/nginx.conf", "-e", "stderr"]
        with Container(runtime, command, setting.share) as container:
            container.start()
            url = f"http://{SERVER}:{PORT}/"
            container.load(["curl", "-sf", "-o", "/dev/null", "--max-time", "5", url])
            options = [word for header in headers for word in ("-H", header)]
            seconds = str(max(1, round(setting.seconds)))
            text = container.load(["wrk", "-t1", "-c50", f"-d{seconds}s", *options, url],
                                  timeout=setting.seconds + 30)
            found = re.search(r"Requests/sec:\s+([\d.]+)", text)
            if found is None:
                raise Failure(f"wrk printed no rate: {text[:200]}")
            return float(found.group(1))
    return measure


def redis(pipeline, requests_per_second):
    def measure(runtime, setting):
        command = ["redis-server", "--port", PORT, "--save", "", "--appendonly", "no",
                   "--protected-mode", "no", "--bind", "0.0.0.0", "--dir", "/tmp"]
        with Container(runtime, command, setting.share) as container:
            container.start()
            container.load(["redis-cli", "-h", SERVER, "-p", PORT, "-e", "ping"])
            count = str(int(requests_per_second * setting.seconds))
            text = container.load(["redis-benchmark", "-h", SERVER, "-p", PORT, "-t", "get", "-c", "50",
                                   "-n", count, "-P", str(pipeline), "--csv"], timeout=120)
            for line in text.splitlines():
                fields = line.replace('"', "").split(",")
                if fields[0] == "GET":
                    return float(fields[1])
            raise Failure(f"redis-benchmark printed no GET: {text[:200]}")
    return measure


def inside(script, parse):
    """A script that runs in the container and prints its own result."""
    def measure(runtime, setting):
        command = ["sh", "-c", script.format(seconds=setting.seconds, load=LOAD, port=PORT)]
        with Container(runtime, command, setting.share) as container:
            return parse(run(container.run_command(), timeout=setting.seconds + 60))
    return measure


LOCAL_STREAM = "iperf3 -s -1 >/dev/null & sleep 0.5; iperf3 -c 127.0.0.1 -t {seconds} -J"
LOCAL_PING_PONG = ("{load} tcp-server 127.0.0.1 {port} & sleep 0.3; "
                   "{load} ping-pong 127.0.0.1 {port} {seconds}; kill $!")


def start_to_exit(runtime, setting):
    samples = []
    for _ in range(5):
        with Container(runtime, ["/bin/true"], setting.share) as container:
            command = container.run_command()
            begin = time.monotonic()
            run(command, timeout=30)
            samples.append((time.monotonic() - begin) * 1000)
    return statistics.median(samples)


def idle_sandbox(runtime, setting):
    with Container(runtime, ["sleep", "1000"], setting.share) as container:
        container.start()
        time.sleep(1)
        return memory.runtime_pss_kib({"sleep"}) / 1024


def idle_connections(runtime, setting):
    """Kernel memory and PSS of the runtime, per connection; the client's sockets are in it everywhere."""
    with Container(runtime, [LOAD, "tcp-server", "0.0.0.0", PORT], setting.share) as container:
        container.start()
        container.load([_load_tool(setting), "ping-pong", SERVER, PORT, "0.01"])
        time.sleep(0.5)
        before = memory.runtime_pss_kib({"load"}) + memory.kernel_kib()
        count = setting.idle_connections
        with subprocess.Popen(
                container.network.inside([_load_tool(setting), "idle", SERVER, PORT, str(count)]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True) as client:
            try:
                _wait_ready(client)
                time.sleep(0.5)
                after = memory.runtime_pss_kib({"load"}) + memory.kernel_kib()
            finally:
                client.kill()
        return (after - before) / count


def _wait_ready(client):
    watchdog = subprocess.Popen(["sleep", "60"])
    try:
        import select  # pylint: disable=import-outside-toplevel
        ready, _, _ = select.select([client.stdout], [], [], 60)
        if not ready or client.stdout.readline().strip() != "ready":
            client.kill()
            raise Failure("idle connections: " + (client.stderr.read().strip() or "not ready after 60 s"))
    finally:
        watchdog.kill()
        watchdog.wait()


ROWS = [
    Row("iperf3-in-1", "Gbit/s", True, iperf(1, out=False), floor=0.6),
    Row("iperf3-out-1", "Gbit/s", True, iperf(1, out=True), floor=0.6),
    Row("iperf3-in-8", "Gbit/s", True, iperf(8, out=False), floor=0.6),
    Row("iperf3-out-8", "Gbit/s", True, iperf(8, out=True), floor=0.6),
    Row("tcp-ping-pong", "us", False, with_load("tcp-server", "ping-pong", "mean_us"), floor=1.5),
    Row("connections", "1/s", True, with_load("tcp-server", "connections", "per_second", "16")),
    Row("udp-requests", "1/s", True, with_load("udp-server", "udp", "per_second", "16")),
    Row("nginx-keepalive", "1/s", True, nginx(), floor=0.5),
    Row("nginx-close", "1/s", True, nginx("Connection: close")),
    Row("redis-get", "1/s", True, redis(1, 25000), floor=0.5),
    Row("redis-get-pipelined", "1/s", True, redis(16, 150000)),
    Row("localhost-stream", "Gbit/s", True, inside(LOCAL_STREAM, _iperf_result), floor=1.0),
    Row("localhost-ping-pong", "us", False,
        inside(LOCAL_PING_PONG, lambda text: json.loads(text)["mean_us"])),
    Row("start-to-exit", "ms", False, start_to_exit, floor=3.0),
    Row("idle-sandbox", "MiB PSS", False, idle_sandbox),
    Row("idle-connection", "KiB each", False, idle_connections),
]
