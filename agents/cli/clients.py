"""Clients: who somebody is in Cairn, two of them who are one person, and who was linked to whom."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, NoReturn

import typer

from agents.cli.app import EXIT_INVALID, EXIT_NO, begin, err, group, opened_ledger, out, run
from agents.cli.brake import Author, Tenant, ask
from agents.cli.listing import print_json, print_listing
from agents.cli.tenant_option import AnyTenant
from agents.direct_delivery import deliver, open_producer
from agents.intake.finding import Person
from agents.intake.identity import Identities
from agents.intake.secrecy import Secrecy
from agents.kafka import client_options
from agents.ledger.links import Carried, Link, LinkRefused, links_of
from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from agents.link_follower import catch_up
from agents.linking import Couple, link_clients, would_link
from agents.progress import ProgressBar
from agents.settings import LinkSettings, PeopleSettings
from schemas.topics import split_key

clients_app = group("clients", "Who is who.")
EXIT_INTERRUPTED = 130
_CONNECTIONS = 3
_LOOK_SECONDS = 0.5
_COLUMNS = ("client", "is", "tenant", "since", "by", "events sent again", "history")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]


@clients_app.command("find")
def find(
    known_by: Annotated[str, typer.Argument(metavar="EMAIL_OR_ID", help="An e-mail address, or a tool's own id.")],
    *,
    tenant: Tenant,
    source: Annotated[str | None, typer.Option(help="Whose id it is, by the name in tenant.yaml.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the id in Cairn of the client with this e-mail address, or with this id of a source's; status 1 if none."""
    is_address = "@" in known_by
    if not (is_address or source):
        _end("A tool's own id is found with --source NAME, as tenant.yaml names the tool.", EXIT_INVALID)
    person = Person(email=known_by) if is_address else Person(external_id=known_by.strip())
    found = run(_find(begin("clients", PeopleSettings, logs=sys.stderr), tenant, source or "", person))
    if as_json:
        print_json({"clients": [{"client": client, "is_erased": gone} for client, gone in found.items()]})
    elif not found:
        err.print(f"No client of {tenant} is known by that: is CAIRN_IDENTITY_KEY the one that `cairn serve` has?",
                  markup=False, highlight=False, soft_wrap=True)  # fmt: skip
    else:
        for client, is_erased in found.items():
            out.print(f"{client} (erased)" if is_erased else client, markup=False, highlight=False, soft_wrap=True)
    if not found:
        raise typer.Exit(EXIT_NO)


async def _find(settings: PeopleSettings, tenant: str, source: str, person: Person) -> dict[str, bool]:
    secrecy = Secrecy(settings.identity_key.get_secret_value().encode())
    async with opened_ledger(settings.database_url.get_secret_value(), max_connections=1) as pool:
        return await Identities(pool, load_queries("intake"), secrecy).find(tenant, source, person)


@clients_app.command("link")
def link(
    into: Annotated[str, typer.Argument(metavar="TENANT/A", help="Who the person is from now on.")],
    client: Annotated[str, typer.Argument(metavar="TENANT/B", help="Who was taken for somebody else.")],
    *,
    author: Author,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be carried over.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make two clients one person: keys, profile, wishes and history of the second become the first one's."""
    couple = _couple(into, client, author)
    settings = begin("clients", LinkSettings, logs=sys.stderr)
    try:
        carried = run(_foresee(settings, couple))
        if dry_run:
            _tell(couple, carried, as_json=as_json, is_done=False)
            return
        if carried.is_new and not yes:
            _tell(couple, carried, as_json=False, is_done=False, say=err.print)
            typer.confirm("Link them? It cannot be taken back", abort=True, err=True)
        carried, resent = run(_link(settings, couple))
    except LinkRefused as refused:
        _end(f"They were not linked: {refused}.", EXIT_NO)
    except KeyboardInterrupt:
        _end("Interrupted: the same command goes on from here, and so does `cairn serve`.", EXIT_INTERRUPTED)
    _tell(couple, carried, as_json=as_json, is_done=True, resent=resent)


def _couple(into: str, client: str, author: str) -> Couple:
    named = []
    for text in (into, client):
        try:
            named.append(split_key(text.encode()))
        except ValueError:
            _end(f"{text}: name a client as TENANT/CLIENT.", EXIT_INVALID)
    (tenant, person), (other, linked) = named
    if tenant != other:
        _end(f"{into} and {client} are of two tenants: a person is linked within one.", EXIT_INVALID)
    return Couple(tenant=tenant, into=person, client=linked, author=author)


async def _foresee(settings: LinkSettings, couple: Couple) -> Carried:
    async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
        return await would_link(pool, couple, now=settings.clock.now())


async def _link(settings: LinkSettings, couple: Couple) -> tuple[Carried, int]:
    """Link them, and wait for their history; how many events it has by now."""
    options = client_options(settings)
    async with opened_ledger(settings.database_url.get_secret_value(), max_connections=_CONNECTIONS) as pool:
        async with open_producer(options) as producer:
            carried = await link_clients(pool, partial(deliver, producer), couple, now=settings.clock.now())
        with ProgressBar("Sending their history again", err) as bar:
            person = couple.tenant, carried.into
            work = partial(catch_up, options, pool, person=person, begin=bar.begin)
            while not (await work(show=_shown(bar))).links and not await _is_caught_up(pool, *person):  # noqa: ASYNC110 - another process is at it
                await asyncio.sleep(_LOOK_SECONDS)
        (found,) = await _links_from(pool, couple)
        return carried, found.resent


def _shown(bar: ProgressBar) -> Callable[[int, int], None]:
    return lambda read, resent: bar.show(read, f"{resent} events")


async def _is_caught_up(pool: Pool, tenant: str, person: str) -> bool:
    found = await links_of(pool, tenant=tenant, client=person)
    return all(one.caught_up_at or one.erased_at for one in found)


async def _links_from(pool: Pool, couple: Couple) -> list[Link]:
    found = await links_of(pool, tenant=couple.tenant, client=couple.client)
    return [one for one in found if one.client == couple.client]


def _tell(
    couple: Couple,
    carried: Carried,
    *,
    as_json: bool,
    is_done: bool,
    resent: int = 0,
    say: Callable[..., None] = out.print,
) -> None:
    if as_json:
        print_json({**asdict(carried), "tenant": couple.tenant, "client": couple.client, "is_done": is_done,
                    "resent": resent})  # fmt: skip
        return
    lines = [f"{couple.client} {'is' if is_done else 'would be'} {carried.into} from now on."]
    if not carried.is_new:
        lines = [f"{couple.client} is {carried.into} already: nothing was changed."]
    else:
        lines.append(f"{carried.keys} ids and addresses of tools mean {carried.into}.")
        for what, names in (("Consents that count", carried.consents), ("Channels that are left", carried.channels)):
            lines += [f"{what}: {', '.join(names)}."] if names else []
        lines += ["The suppression holds for both."] if carried.is_suppressed else []
        lines += [f"{carried.followers} clients that were linked before follow."] if carried.followers else []
    if is_done:
        lines.append(f"{resent} events of {couple.client} were sent again for {carried.into}.")
    for line in lines:
        say(line, markup=False, highlight=False, soft_wrap=True)


@clients_app.command("links")
def list_links(*, tenant: AnyTenant = None, as_json: AsJson = False) -> None:
    """List who was linked to whom, newest first, and how far their history is."""
    found = ask(lambda pool, _: links_of(pool, tenant=tenant))
    if as_json:
        print_json({"links": [asdict(one) for one in found]})
        return
    print_listing(_COLUMNS, [_cells(one) for one in found], nothing="Nobody was linked.")


def _cells(one: Link) -> tuple[str, ...]:
    history = "erased" if one.erased_at else "complete" if one.caught_up_at else "on its way"
    since = one.linked_at.isoformat(sep=" ", timespec="minutes")
    return one.client, one.into_client, one.tenant, since, one.author, str(one.resent), history


def _end(text: str, status: int) -> NoReturn:
    err.print(text, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(status) from None
