"""The trial of a hook's address: how a hook that `cairn connect` sends is recognised.

Its whole body is `{"cairn_connect_trial":"<32 hex digits>"}`, and it is signed as the tool signs, so
it proves the address, the secret path, the key and the running service at once. No tool sends such
a body. It goes no further than the door: nothing is produced, and no client is touched.
"""

import re

_FORM = re.compile(rb'\{"cairn_connect_trial":"([0-9a-f]{32})"\}')
_BYTES = len(b'{"cairn_connect_trial":""}') + 32


def trial_body(trial_id: str) -> bytes:
    """The body of a trial; `trial_id` is 32 hex digits, others each time."""
    return f'{{"cairn_connect_trial":"{trial_id}"}}'.encode()


def read_trial(body: bytes) -> str | None:
    """The trial's id, if the body is a trial's."""
    if len(body) != _BYTES:
        return None
    found = _FORM.fullmatch(body)
    return found[1].decode() if found else None
