"""The exact versions whose inner workings the engine builds on, checked when it is imported.

Must never be loosened to make an upgrade pass: read the changed code first, run the fault tests, then move the pin.
"""

from importlib.metadata import version
from typing import Any

from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.producer import sender
from aiokafka.producer.message_accumulator import MessageAccumulator
from faust import App
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as DriverConsumer

VERSIONS = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

PRIVATE_NAMES: dict[Any, tuple[str, ...]] = {
    sender: ("BACKOFF_OVERRIDE",),
    sender.Sender: ("sender_task",),
    MessageAccumulator: ("fail_all",),
    App: ("_new_transport", "_on_partitions_revoked", "_on_partitions_assigned", "BootStrategy"),
    Consumer: ("getmany", "_drain_messages", "resume_flow", "stop_flow", "verify_event_path"),
    DriverConsumer: ("_new_consumer_thread",),
    AIOKafkaConsumerThread: ("_create_worker_consumer", "_ensure_consumer", "call_thread"),
    TableManager: ("recovery", "on_start", "_update_channels", "on_actives_ready", "on_standbys_ready"),
    Recovery: (
        "_restart_recovery",
        "_slurp_changelogs",
        "_publish_stats",
        "signal_recovery_start",
        "_set_recovery_ended",
    ),
    Fetcher: ("_create_fetch_waiter", "_notify", "_proc_fetch_request"),
    FetchResult: ("getall", "has_more"),
    SubscriptionState: ("fetch_context", "fetcher_idle_time"),
    PartitionRecords: ("_consumer_record", "_unpack_records"),
    GroupCoordinator: ("check_errors", "_coordination_routine"),
}


def check() -> None:
    """Compare what is installed with what the engine was built on.

    Raises:
        ImportError: A version or a private name differs.
    """
    for package, pinned in VERSIONS.items():
        if (found := version(package)) != pinned:
            raise ImportError(
                f"the engine is built on {package} {pinned}, but {found} is installed: install the lock file"
            )
    for owner, names in PRIVATE_NAMES.items():
        if missing := [name for name in names if not hasattr(owner, name)]:
            raise ImportError(f"{owner!r} has no {', '.join(missing)} any more")
