"""What a foundation has from its first start: a user, organization, space, quota, domain and its stacks."""

from typing import Any, TypeVar

from foundation import jobs
from foundation.rows.base import Row
from foundation.rows.routes import Domain
from foundation.rows.tenants import Organization, Quota, Space, User
from foundation.rows.work import Stack
from foundation.rules import builds
from foundation.settings import Settings, StackSetting
from foundation.store import Db

R = TypeVar("R", bound=Row)


def seed(db: Db, settings: Settings) -> User:
    """Make what is missing, bring stacks up to date, and end what a killed server left behind."""
    user = _ensure(db, User, name=settings.user)
    _ensure(db, Quota, name="default")
    organization = _ensure(db, Organization, name=settings.organization)
    _ensure(db, Space, name=settings.space, organization_guid=organization.guid)
    _ensure(db, Domain, name=settings.domain)
    for index, stack in enumerate(settings.stacks):
        _stack(db, stack, default=index == 0)
    builds.fail_interrupted(db)
    jobs.prune(db)
    return user


def _ensure(db: Db, kind: type[R], **fields: Any) -> R:
    return db.first(kind, **fields) or db.insert(kind(**fields))


def _stack(db: Db, setting: StackSetting, *, default: bool) -> None:
    metadata = {"labels": {"rootfs": setting.kind}, "annotations": {}}
    stack = Stack(name=setting.name, description=setting.description, default=default, metadata=metadata)
    found = db.first(Stack, name=setting.name)
    if found:
        db.change(found, description=stack.description, default=default, metadata=metadata)
    else:
        db.insert(stack)
