"""Made-up migrations after the newest real one, in a folder of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

from provisioner.store import Store
from provisioner.store.database import MIGRATIONS

NEXT = "9001"
GOOD = (
    'op.add_column("community", sa.Column("motto", sa.String, server_default="", nullable=False))'
)
GOOD_BACK = 'op.drop_column("community", "motto")'
FAILS = f'{GOOD}\n    raise RuntimeError("made to fail")'
DELETES = "\n    ".join(
    f'op.execute("DELETE FROM {table}")'  # noqa: S608 - our own names
    for table in ("step", "log_line", "operation", "community")
)
HALF = f'{DELETES}\n    op.execute("COMMIT")'
SPOILS = f"{HALF}\n    os.kill(os.getpid(), 9)"
SPOILS_AND_RAISES = f'{HALF}\n    raise RuntimeError("made to fail half way")'


def add_migration(folder: Path, upgrade: str, downgrade: str = "pass") -> Path:
    """All real migrations and one more; returns the folder for `Store(…, migrations=…)`."""
    migrations = folder / "migrations"
    shutil.copytree(MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    write_migration(migrations, upgrade, downgrade)
    return migrations


def write_migration(migrations: Path, upgrade: str, downgrade: str = "pass") -> None:
    newest = Store("sqlite://").newest_revision
    (migrations / "versions" / f"{NEXT}_made_up.py").write_text(
        f'"""Made up"""\n\nimport os\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f'revision = "{NEXT}"\ndown_revision = "{newest}"\nbranch_labels = None\n'
        f"depends_on = None\n\n\ndef upgrade() -> None:\n    {upgrade}\n\n\n"
        f"def downgrade() -> None:\n    {downgrade}\n"
    )
