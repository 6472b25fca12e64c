"""How far an import has come: a small file beside the input, so that an interrupted one goes on.

It must never claim a line that Kafka has not acknowledged, nor let another file, tenant, cluster
or manner go on from it. It is replaced whole and flushed to the disk, so that it survives kill -9.
"""

import os
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

_BLOCK_BYTES = 1 << 20


class CheckpointRefusedError(Exception):
    """A checkpoint that belongs to another import; the operator must decide."""


class Task(Struct, frozen=True, kw_only=True):
    """What is imported where; an import goes on only with the same.

    Attributes:
        digest: of the whole file.
        mapping: the digest of what a table's columns mean; nothing for JSON Lines.
        cluster: Kafka's own id of the cluster.
    """

    digest: str
    tenant: str
    live: bool
    cluster: str
    mapping: str = ""


class Progress(Struct, frozen=True, kw_only=True):
    """How far it is.

    Attributes:
        offset: bytes of the file that are done.
        lines: lines that are done.
        imported: events that Kafka has acknowledged.
        profiles: profiles that it has; nothing for JSON Lines.
        rejected: lines that were rejected.
        rejects_bytes: how long the file of rejected lines was then.
    """

    offset: int = 0
    lines: int = 0
    imported: int = 0
    profiles: int = 0
    rejected: int = 0
    rejects_bytes: int = 0


class _File(Struct, frozen=True, kw_only=True):
    task: Task
    progress: Progress


def digest_of(path: Path) -> str:
    """The digest of a file's content."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def load_progress(path: Path, task: Task) -> Progress:
    """How far a task has come; the beginning if there is no checkpoint.

    Raises:
        CheckpointRefusedError: the checkpoint is of another task, or damaged.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return Progress()
    except msgspec.DecodeError as error:
        raise CheckpointRefusedError(f"{path} is no checkpoint: {error}. Delete it to begin anew.") from None
    names = {"digest": "another file, or the file has changed", "tenant": "another tenant"}
    names |= {"live": "the other choice of --live", "cluster": "another Kafka cluster"}
    names |= {"mapping": "another mapping"}
    differing = [text for name, text in names.items() if getattr(found.task, name) != getattr(task, name)]
    if differing:
        raise CheckpointRefusedError(
            f"{path} belongs to an import with {'; '.join(differing)}. Finish that one, or delete the checkpoint to "
            "begin anew: what was already sent is then sent again, and counts again where its ids are forgotten."
        )
    return found.progress


def save_progress(path: Path, task: Task, progress: Progress) -> None:
    """Put down how far a task has come; returns when it is on the disk."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(msgspec.json.encode(_File(task=task, progress=progress)))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
