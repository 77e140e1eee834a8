"""The environment that staging and running give to an app: what overrides what, and VCAP_APPLICATION.

Source of the order: cloud_controller's staging_environment_builder.rb, environment.rb and vars_builder.rb.
The API hands on `of_staging` and `of_running`; `of_builder` and `of_instance` add a container's own part,
and the supervisor the variables that hold its address.
"""

import json
from collections.abc import Mapping
from typing import Any

from foundation.model.running import DEFAULT_PORT, ProcessSpec
from foundation.model.staging import StagingRequest
from foundation.rows.apps import App, Process
from foundation.rows.tenants import Organization, Space
from foundation.rules import routes
from foundation.settings import Settings
from foundation.store import Db

LANG = {"LANG": "en_US.UTF-8"}
NO_SERVICES = {"VCAP_SERVICES": "{}"}
FILE_DESCRIPTORS = 16384


def vcap_application(db: Db, settings: Settings, app: App) -> dict[str, Any]:
    """Return what staging and running processes have in common."""
    space = db.need(Space, app.space_guid)
    organization = db.need(Organization, space.organization_guid)
    urls = [routes.url(db, route) for route in routes.of_app(db, app.guid)]
    return {
        "cf_api": settings.api,
        "limits": {"fds": FILE_DESCRIPTORS},
        "application_id": app.guid,
        "application_name": app.name,
        "name": app.name,
        "application_uris": urls,
        "uris": urls,
        "space_id": space.guid,
        "space_name": space.name,
        "organization_id": organization.guid,
        "organization_name": organization.name,
    }


def of_staging(db: Db, settings: Settings, app: App, stack: str) -> dict[str, str]:
    """Return the whole environment of a staging."""
    application = vcap_application(db, settings, app)
    application["limits"] |= {"mem": settings.staging_memory_mb, "disk": settings.staging_disk_mb}
    return {
        **LANG,
        **app.environment,
        "CF_STACK": stack,
        "VCAP_APPLICATION": json.dumps(application),
        "MEMORY_LIMIT": f"{settings.staging_memory_mb}m",
        **NO_SERVICES,
    }


def of_builder(request: StagingRequest) -> dict[str, str]:
    """Return the environment of all staging scripts: the request's, and what the platform sets around it."""
    return {
        "HOME": "/home/vcap",
        **LANG,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "USER": "vcap",
        **NO_SERVICES,
        **request.environment,
        "CF_STACK": request.stack,
        "MEMORY_LIMIT": f"{request.memory_mb}m",
    }


def of_running(app: App) -> dict[str, str]:
    """Return what every process of an app has, but for the instance's own part."""
    return {**LANG, **app.environment, **NO_SERVICES}


def application_of_process(db: Db, settings: Settings, process: Process, version: str) -> Mapping[str, Any]:
    """Return VCAP_APPLICATION of a process; running sets `limits.mem` for each program in the container."""
    application = vcap_application(db, settings, db.need(App, process.app_guid))
    application["limits"] |= {"mem": process.memory_mb, "disk": process.disk_mb}
    return {
        **application,
        "process_id": process.guid,
        "process_type": process.type,
        "application_version": version,
        "version": version,
    }


def of_instance(spec: ProcessSpec, index: int, guid: str, memory_mb: int) -> dict[str, str]:
    """Return one process's environment; the app cannot override what the platform sets."""
    limits = {**spec.vcap_application.get("limits", {}), "mem": memory_mb}
    port = str(spec.ports[0] if spec.ports else DEFAULT_PORT)
    return {
        **LANG,
        **NO_SERVICES,
        **spec.environment,
        "PORT": port,
        "VCAP_APP_HOST": "0.0.0.0",  # noqa: S104 - the value that Cloud Foundry gives, nothing is bound here
        "VCAP_APP_PORT": port,
        "VCAP_APPLICATION": json.dumps({**spec.vcap_application, "limits": limits}),
        "MEMORY_LIMIT": f"{memory_mb}m",
        "INSTANCE_GUID": guid,
        "INSTANCE_INDEX": str(index),
        "CF_INSTANCE_GUID": guid,
        "CF_INSTANCE_INDEX": str(index),
    }
