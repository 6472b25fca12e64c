from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.embedded.smtp import SmtpSink
from tests.conftest import Broker
from tests.integration.whole_practice import Running, all_running


@pytest.fixture
async def running(own_kafka: Broker, database: str, smtp_sink: SmtpSink, tmp_path: Path) -> AsyncIterator[Running]:
    """All processes of one practice, on a broker whose every topic can be read whole."""
    async with all_running(own_kafka.bootstrap_servers, database, smtp_sink, tmp_path) as practice:
        yield practice
