"""The stock Faust application of the benchmarks, with Cairn's session time-out, so that a kill is noticed as soon."""

from tests.benchmarks.peers.faust_manual import app

app.conf.broker_session_timeout = 10.0
app.conf.broker_heartbeat_interval = 3.0

if __name__ == "__main__":
    app.main()
