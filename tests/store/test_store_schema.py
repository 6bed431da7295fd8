"""The migrations make what the tables say, and nothing that PostgreSQL lacks."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql

import secd.store
from secd.store import schema
from secd.store.batch import insert_sql, upsert_sql
from secd.store.database import migrate, write_engine


def test_the_migrations_end_at_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = write_engine(tmp_path / "events.db")
    with engine.connect() as connection, connection.begin():
        migrate(connection)
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
        indexes = {
            index["name"] for table in schema.metadata.tables for index in sa.inspect(connection).get_indexes(table)
        }
    engine.dispose()
    assert {"events_subject", "events_kind", "events_holder", "alarms_open", "orders_open"} <= indexes


def test_the_newest_migration_is_the_one_the_store_opens_at() -> None:
    scripts = ScriptDirectory(str(Path(secd.store.__file__).parent / "migrations"))
    assert scripts.get_current_head() == schema.HEAD


def test_a_migration_that_does_not_finish_leaves_nothing(tmp_path: Path) -> None:
    engine = write_engine(tmp_path / "events.db")
    with engine.connect() as connection:
        transaction = connection.begin()
        migrate(connection)
        transaction.rollback()
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()


@pytest.mark.parametrize("table", schema.metadata.sorted_tables, ids=str)
def test_every_table_and_index_can_be_made_in_postgresql(table: sa.Table) -> None:
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    assert f"CREATE TABLE {table.name}" in str(sa.schema.CreateTable(table).compile(dialect=dialect))
    for index in table.indexes:
        assert "CREATE INDEX" in str(sa.schema.CreateIndex(index).compile(dialect=dialect))


def test_statements_of_the_append_path_have_one_place_for_each_column() -> None:
    assert insert_sql("events").count("?") == len(schema.events.columns)
    assert upsert_sql("alarms").count("?") == len(schema.alarms.columns)


def test_a_moment_keeps_its_microseconds() -> None:
    moment = schema.from_us(1_795_290_689_395_864)
    assert schema.to_us(moment) == 1_795_290_689_395_864
    assert moment.microsecond == 395_864
