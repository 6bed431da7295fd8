"""From a checked site to what its rooms run on: tables, people, wiring, operators, secrets. All or nothing."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from secd.api.operators import Operator, operators_by_uid
from secd.app.wiring import build_wiring
from secd.config.load import LoadedSite
from secd.config.secrets import resolve_secret
from secd.config.types import SecretRef
from secd.holders.cards import CardKeys, build_people
from secd.model.alarm import AlarmMode
from secd.model.secret import Secret
from secd.model.wiring import Wiring
from secd.policies.compile import Tables, compile_tables
from secd.runtime.logs import redaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """One configuration, ready to run."""

    site: LoadedSite
    tables: Tables
    wiring: Wiring
    card_keys: CardKeys
    operators: dict[int, Operator]


def resolver(base: Path) -> Callable[[SecretRef], Secret]:
    """Looks secrets up beside the site's files, in systemd's credentials and in the environment; logs never show them."""

    def resolve(ref: SecretRef) -> Secret:
        secret = resolve_secret(ref, base=base, environ=os.environ)
        redaction.hide(secret)
        return secret

    return resolve


def assemble(site: LoadedSite, resolve: Callable[[SecretRef], Secret]) -> Assembly:
    """Build everything `site` says; raises SecretMissing or ConfigError, and then nothing has changed."""
    values = site.values
    settings = values["site"]
    card_keys = CardKeys(values["card_formats"], resolve(values["card_key"]))
    people = build_people(values["holders"], values["card_formats"], card_keys, settings.time_zone)
    tables = compile_tables(
        values, people, digest=site.digest, time_zone=settings.time_zone, mode=AlarmMode(settings.mode)
    )
    return Assembly(
        site=site,
        tables=tables,
        wiring=build_wiring(values),
        card_keys=card_keys,
        operators=operators_by_uid(values["operators"], values["roles"]),
    )
