"""Sample milestones, with the practice and the people around them."""

from pathlib import Path

from agents.preview.samples import SAMPLES, SO_FAR, milestone, occasion, streak
from agents.tenants import STARTER_RULEBOOK, Tenant
from schemas.client import Profile
from schemas.policy import Policy
from schemas.rulebook import load_rulebook
from schemas.tenant import Coach, Sender

__all__ = ["ANA", "COACH", "POLICY", "SAMPLES", "SO_FAR", "milestone", "occasion", "streak", "tenant"]

POLICY = Policy()
COACH = Coach(id="jo", name="Jo Keller", email="jo@northstar.example", signature="Northstar Strength, Vienna")
ANA = Profile(name="ana silva", email="ana@clients.example", timezone="Europe/Vienna", locale="en-GB")


def tenant(folder: Path) -> Tenant:
    return Tenant(
        id="northstar",
        name="Northstar Strength",
        timezone="Europe/Vienna",
        sender=Sender(from_name="Jo at Northstar", from_address="hello@northstar.example"),
        coaches=(COACH,),
        sources=(),
        rulebook=load_rulebook(STARTER_RULEBOOK.read_text(encoding="utf-8"), "starter.yaml"),
        folder=folder,
    )
