"""The instances of a process: stats, process_instances and the restart of one of them."""

import asyncio
import time
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from foundation.api import processes
from foundation.api.call import Call, within
from foundation.environment import FILE_DESCRIPTORS
from foundation.errors import not_found
from foundation.model.running import InstanceStatus
from foundation.present import Json, links
from foundation.rows.apps import App, Process
from foundation.rows.base import now
from foundation.world import World

MIB = 1 << 20


async def stats(request: Request) -> Response:
    """GET stats of a process: one row an instance, DOWN where the app is stopped."""
    process, found = await _statuses(request, usage=True)
    return JSONResponse({"resources": [_present_stats(process, status) for status in found]})


async def index(request: Request) -> Response:
    """GET process_instances; `since` is the seconds that an instance has been in its state."""
    world: World = request.app.state.world
    process, found = await _statuses(request, usage=False)
    path = f"/v3/processes/{process.guid}"
    paths = {"self": f"{path}/process_instances", "process": path}
    resources = [{"index": status.index, "state": status.state, "since": _age(status)} for status in found]
    return JSONResponse({"resources": resources, "links": links(world.settings.api, paths)})


async def restart(request: Request) -> Response:
    """DELETE an instance: a new one takes its place."""
    world: World = request.app.state.world
    process, found = await _statuses(request, usage=False)
    index_text = request.path_params["index"]
    if index_text not in {str(status.index) for status in found}:
        raise not_found("Instance")
    await asyncio.to_thread(world.desired.runner.restart_instance, process.guid, int(index_text))
    return Response(status_code=204)


async def _statuses(request: Request, *, usage: bool) -> tuple[Process, Sequence[InstanceStatus]]:
    world: World = request.app.state.world
    process, state = await within(request, _process)
    running: Sequence[InstanceStatus] = ()
    if state == "STARTED":
        # The engine is asked, which takes its time: neither on this loop nor on the store's thread.
        running = await asyncio.to_thread(world.desired.runner.instances, process.guid, usage=usage)
    known = {status.index: status for status in running}
    down = [
        InstanceStatus(index=n, guid="", state="DOWN", since=time.time()) for n in range(process.instances)
    ]
    return process, [known.get(status.index, status) for status in down]


def _process(call: Call) -> tuple[Process, str]:
    process = processes.find(call)
    return process, call.db.need(App, process.app_guid).state


def _age(status: InstanceStatus) -> int:
    return max(0, int(time.time() - status.since))


def _present_stats(process: Process, status: InstanceStatus) -> Json:
    common = {"type": process.type, "index": status.index, "state": status.state}
    if status.state == "DOWN":
        return {
            **common,
            "routable": None,
            "uptime": 0,
            "isolation_segment": None,
            "details": status.details,
        }
    living = status.state != "CRASHED"
    return {
        **common,
        "instance_guid": status.guid,
        "routable": status.state == "RUNNING",
        "host": status.address or "",
        "instance_internal_ip": status.address or "",
        "uptime": _age(status),
        "mem_quota": process.memory_mb * MIB if living else None,
        "disk_quota": process.disk_mb * MIB if living else None,
        "log_rate_limit": process.log_rate if living else None,
        "fds_quota": FILE_DESCRIPTORS,
        "isolation_segment": None,
        "details": status.details,
        "instance_ports": _ports(status),
        "usage": _usage(status) if living else {},
    }


def _ports(status: InstanceStatus) -> list[Json]:
    if not status.address:
        return []
    proxies = {"external_tls_proxy_port": None, "internal_tls_proxy_port": None}
    return [{"external": port, "internal": port, **proxies} for port in status.ports]


def _usage(status: InstanceStatus) -> Json:
    usage = status.usage
    return {
        "time": now(),
        "cpu": usage.get("cpu", 0.0),
        "cpu_entitlement": usage.get("cpu", 0.0),
        "mem": int(usage.get("mem", 0)),
        "disk": int(usage.get("disk", 0)),
        "log_rate": 0,
    }
