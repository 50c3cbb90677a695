"""In which content versions the former revisions of an update entered."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column(
        "catalog_entry", sa.Column("former", sa.Text(), nullable=False, server_default="[]")
    )
