"""The words that a rulebook answers with: the ways of an answer, and what a message points to."""

from typing import Literal

ChannelName = Literal[
    "in_app", "email", "sms", "slack", "gift", "certificate", "badge", "video", "referral", "coach_task"
]
NextStep = Literal["resource", "offer", "check_in", "early_access"]
