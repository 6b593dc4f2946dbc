"""The curves. Each gives its rows as they come."""

from __future__ import annotations

import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import counts
import files
from crowd import WAYS, ask_all, crowd, queue
from load import BUSY_CLIENTS, Cost, Load, least, under_load
from measure import free_port
from proxy import PATIENCE, Origin, Proxy, SilentOrigin

SIZES = (1, 10, 100, 1000)
WORKERS = (1, 4, 16, 64)
Row = list[str]


@dataclass(frozen=True)
class Setting:
    """What the curves are drawn with."""

    binary: Path
    folder: Path
    rounds: int
    seconds: float
    limit: int
    """Open files that a process may have."""

    def clients(self, wanted: int, sockets_each: int) -> int:
        """As many of them as figshift can have, each with so many sockets."""
        # The house keeps 100 for itself, and the rest is for what else it opens.
        return min(wanted, (self.limit - 1000) // sockets_each)

    def counts(self) -> bool:
        """Whether instructions can be counted."""
        return shutil.which("valgrind") is not None


@dataclass(frozen=True)
class Point:
    """One figshift and the load on it."""

    load: Load
    file: Callable[[Path, int], str]
    idle: int = 0


def costs(setting: Setting, points: list[Point]) -> list[Cost]:
    """Of each point, the least of some rounds; in turns, so that a noisy minute spoils none of them."""
    port = free_port()
    taken: list[list[Cost]] = [[] for _ in points]
    with Origin(setting.folder, port, setting.limit):
        for _ in range(setting.rounds):
            for point, found in zip(points, taken, strict=True):
                text = point.file(setting.folder, port)
                with Proxy(setting.binary, setting.folder, text) as proxy, crowd(proxy, point.idle, setting.folder):
                    found.append(under_load(proxy, point.load, setting.folder, setting.seconds, point.idle))
    return [least(found) for found in taken]


def plain(folder: Path, port: int) -> str:
    """One route, one endpoint on each side."""
    return files.file(folder, port)


def busy(setting: Setting) -> Iterator[Row]:
    """Clients that all ask at once."""
    yield ["connections, all asking", "CPU µs/request", "connects/request", "requests/s"]
    sizes = [setting.clients(wanted, 2) for wanted in (*SIZES, 10_000)]
    for size, cost in zip(sizes, costs(setting, [Point(Load(size), plain) for size in sizes]), strict=True):
        yield [f"{size:,}", f"{cost.us:.1f}", f"{cost.connects:.2f}", f"{cost.rate:,.0f}"]


def beside(setting: Setting) -> Iterator[Row]:
    """Silent clients beside busy ones."""
    yield [f"silent connections beside {BUSY_CLIENTS} that ask", "CPU µs/request", "requests/s"]
    sizes = [0, 100, 1000, setting.clients(9000, 2)]
    points = [Point(Load(), plain, idle) for idle in sizes]
    for size, cost in zip(sizes, costs(setting, points), strict=True):
        yield [f"{size:,}", f"{cost.us:.1f}", f"{cost.rate:,.0f}"]


def routes(setting: Setting) -> Iterator[Row]:
    """Routes, of which the last one takes the requests."""
    yield ["routes", "differ by", "instructions/request", "CPU µs/request"]
    shapes = [(kind, size) for kind in files.KINDS for size in SIZES]
    points, counted = [], []
    for kind, size in shapes:
        path, headers = kind.path(size - 1), kind.header(size - 1)

        def text(folder: Path, port: int, kind: files.Kind = kind, size: int = size) -> str:
            return files.file(folder, port, routes=files.routes(kind, size))

        points.append(Point(Load(path=path, headers=headers), text))
        counted.append(instructions(setting, text, counts.request(path, headers)))
    for (kind, size), cost, number in zip(shapes, costs(setting, points), counted, strict=True):
        yield [f"{size:,}", kind.name, number, f"{cost.us:.1f}"]


def instructions(setting: Setting, text: Callable[[Path, int], str], asked: bytes, before: int = 0) -> str:
    """Of a request, if they can be counted."""
    return f"{counts.count(setting.binary, text, asked, before).count():,}" if setting.counts() else "-"


def endpoints(setting: Setting) -> Iterator[Row]:
    """Endpoints of each of the two backends."""
    yield ["endpoints of a backend", "instructions/request", "CPU µs/request"]
    points, counted = [], []
    for size in SIZES:

        def text(folder: Path, port: int, size: int = size) -> str:
            return files.file(folder, port, count=size)

        points.append(Point(Load(), text))
        # Until nearly each of them has a connection.
        counted.append(instructions(setting, text, counts.request("/v1/models", ()), before=12 * size))
    for size, cost, number in zip(SIZES, costs(setting, points), counted, strict=True):
        yield [f"{size:,}", number, f"{cost.us:.1f}"]


def workers(setting: Setting) -> Iterator[Row]:
    """Workers, of which one is asked; and what all of them cost while nobody asks."""
    yield ["workers", "endpoints", "instructions/request", "idle CPU µs/s", "MiB at the start"]
    for endpoint_count in (1, 2):
        for size in WORKERS:

            def text(folder: Path, port: int, size: int = size, count: int = endpoint_count) -> str:
                return files.file(folder, port, workers=size, count=count)

            number = instructions(setting, text, counts.request("/v1/models", ()))
            with Proxy(setting.binary, setting.folder, text(setting.folder, 9)) as proxy:
                at_start, spent = proxy.memory(), sum(idle_cpu(proxy, setting.seconds))
            yield [str(size), str(endpoint_count), number, f"{spent:,.0f}", f"{at_start / 2**20:.1f}"]


def memory(setting: Setting) -> Iterator[Row]:
    """Silent clients of each kind."""
    yield ["silent connections", "speak", "MiB", "KiB each"]
    port, https = free_port(), free_port()
    text = files.file(setting.folder, port, https=https)
    with Origin(setting.folder, port, setting.limit):
        for way in WAYS:
            for size in (1000, setting.clients(9000, 1)):
                with Proxy(setting.binary, setting.folder, text) as proxy:
                    # The first request brings things that are there once.
                    with crowd(proxy, 10, setting.folder, way, https):
                        before = proxy.memory()
                    with crowd(proxy, size, setting.folder, way, https):
                        used = proxy.memory()
                    yield [f"{size:,}", way, f"{used / 2**20:.1f}", f"{(used - before) / size / 1024:.1f}"]


def used(setting: Setting) -> Iterator[Row]:
    """Routes that every worker has served."""
    yield ["routes", "workers", "MiB", "KiB for each route and worker", "control µs/s", "scrape MB", "scrape ms"]
    port = free_port()
    with Origin(setting.folder, port, setting.limit):
        for count, size in ((10, 1), (100, 1), (100, 4), (100, 16)):
            text = files.file(setting.folder, port, routes=files.routes(files.KINDS[0], count), workers=size)
            with Proxy(setting.binary, setting.folder, text) as proxy:
                paths = [files.KINDS[0].path(n) for n in range(count)]
                ask_all(proxy, paths[:1], 6 * size)
                before = proxy.memory()
                # Whichever worker a connection comes to: among so many, hardly one is left out.
                ask_all(proxy, paths, 6 * size)
                each = (proxy.memory() - before) / count / size / 1024
                yield [f"{count:,}", str(size), f"{proxy.memory() / 2**20:.1f}", f"{each:.0f}", *at_rest(setting, proxy)[1:]]


def idle(setting: Setting) -> Iterator[Row]:
    """What is done in a second in which nothing comes, in microseconds on a core."""
    yield ["what is there", "MiB", "workers µs/s", "control µs/s", "scrape MB", "scrape ms"]
    port = free_port()
    one = plain(setting.folder, port)
    with Origin(setting.folder, port, setting.limit):
        for size in (0, 1000, setting.clients(9000, 1)):
            with Proxy(setting.binary, setting.folder, one) as proxy, crowd(proxy, size, setting.folder):
                yield [f"{size:,} silent connections", memory_of(proxy), *at_rest(setting, proxy)]
        shapes = [("1,000 routes", files.file(setting.folder, port, routes=files.routes(files.KINDS[0], 1000)))]
        shapes += [("1,000 endpoints of each backend", files.file(setting.folder, port, count=1000))]
        for name, text in shapes:
            with Proxy(setting.binary, setting.folder, text) as proxy:
                yield [name, memory_of(proxy), *at_rest(setting, proxy)]
    for size in (1000, setting.clients(9000, 2)):
        with SilentOrigin() as silent:
            text = plain(setting.folder, silent.port)
            with Proxy(setting.binary, setting.folder, text) as proxy, queue(proxy, size):
                yield [f"{size:,} requests that wait", memory_of(proxy), *at_rest(setting, proxy)]


def memory_of(proxy: Proxy) -> str:
    """In MiB."""
    return f"{proxy.memory() / 2**20:.1f}"


def at_rest(setting: Setting, proxy: Proxy) -> Row:
    """What workers and control do in a second, and what all metrics cost."""
    time.sleep(1)
    spent = min(idle_cpu(proxy, 3 * setting.seconds) for _ in range(setting.rounds))
    size, took = scrape(proxy)
    return [*(f"{each:,.0f}" for each in spent), f"{size / 1e6:.2f}", f"{took * 1e3:.0f}"]


def idle_cpu(proxy: Proxy, seconds: float) -> tuple[float, float]:
    """Microseconds in a second, of the workers and of all others."""
    before, begun = proxy.cpu(), time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begun
    workers_us, others_us = ((now - then) / 1000 / lasted for now, then in zip(proxy.cpu(), before, strict=True))
    return workers_us, others_us


def scrape(proxy: Proxy) -> tuple[int, float]:
    """Bytes of all metrics, and the seconds until they are there."""
    begun = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{proxy.admin}/metrics", timeout=PATIENCE) as answer:
        return len(answer.read()), time.monotonic() - begun


ALL = {curve.__name__: curve for curve in (busy, beside, routes, endpoints, workers, used, memory, idle)}
