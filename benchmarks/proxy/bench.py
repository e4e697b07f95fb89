"""The usual bench of a scaling part: two targets, ours and nginx's mirror, each started with a line.

Knows how the pieces of this folder fit together; refuses to know what a part measures. Everything started
ends with the block.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.proxy import nginx, sparring_proxy
from benchmarks.proxy.nginx import USUAL, Shape
from benchmarks.proxy.processes import LOAD_CORE, PROXY_CORE, free_port, python, running
from benchmarks.proxy.sparring_proxy import NOTHING, Settings


class Started:
    """A process that serves."""

    __slots__ = ("config", "pid", "port")

    def __init__(self, pid: int, port: int, config: Path) -> None:
        self.pid = pid
        self.port = port
        self.config = config


class Bench:
    """Starts what a part asks for."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._own: list[Path] = []

    def stub(self, name: str, *, cores: str = LOAD_CORE, shape: Shape = USUAL) -> int:
        """An nginx that answers 200 bytes; its port."""
        port = free_port()
        config = nginx.stub(self._folder / name, port=port, shape=shape)
        return self._start(name, nginx.command(config), port=port, cores=cores, config=config).port

    def target(self, behaviour: str, name: str) -> Started:
        """One of `targets.py`."""
        port = free_port()
        command = python("-m", "benchmarks.proxy.targets", behaviour, str(port))
        return self._start(name, command, port=port, cores=LOAD_CORE, config=self._folder)

    def ours(
        self, name: str, targets: list[Settings], *, cores: str = PROXY_CORE, more: Settings = NOTHING
    ) -> Started:
        """Our proxy."""
        port = free_port()
        config = sparring_proxy.configured(self._folder / name, port=port, targets=targets, more=more)
        self._own.append(config.parent)
        return self._start(name, sparring_proxy.command(config), port=port, cores=cores, config=config)

    def nginx_mirror(
        self, name: str, *, target: int, shadow: int, shape: Shape = USUAL, cores: str = PROXY_CORE
    ) -> Started:
        """nginx with its mirror module."""
        port = free_port()
        config = nginx.mirror(self._folder / name, port=port, target=target, shadow=shadow, shape=shape)
        return self._start(name, nginx.command(config), port=port, cores=cores, config=config)

    def nginx_plain(
        self, name: str, *, target: int, shape: Shape = USUAL, cores: str = PROXY_CORE
    ) -> Started:
        """nginx without a mirror."""
        port = free_port()
        config = nginx.plain(self._folder / name, port=port, target=target, shape=shape)
        return self._start(name, nginx.command(config), port=port, cores=cores, config=config)

    def floor(self, name: str, *, target: int, shadow: int) -> Started:
        """The least that Python can do."""
        port = free_port()
        command = python("-m", "benchmarks.proxy.floor_proxy", *map(str, (port, target, shadow)))
        return self._start(name, command, port=port, cores=PROXY_CORE, config=self._folder)

    def forget_old_segments(self) -> None:
        """Keep the disk from filling."""
        for folder in self._own:
            sparring_proxy.forget_old_segments(folder)

    def _start(self, name: str, command: list[str], *, port: int, cores: str, config: Path) -> Started:
        log = self._folder / f"{name}.log"
        pid = self._stack.enter_context(running(command, cores=cores, port=port, log=log))
        return Started(pid, port, config)


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """An empty bench."""
    with ExitStack() as stack:
        yield Bench(stack, folder)
