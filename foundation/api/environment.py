"""/v3/apps/{guid}/environment_variables and /env."""

from starlette.responses import Response

from foundation import environment
from foundation.api.bodies import Body
from foundation.api.call import Call
from foundation.present import Json, links
from foundation.rows.apps import App
from foundation.rules import apps


class Update(Body):
    """PATCH: a null removes a variable."""

    var: dict[str, str | None]


def show(call: Call) -> Response:
    """GET /v3/apps/{guid}/environment_variables."""
    return call.json(_present(call, call.need(App)))


def update(call: Call) -> Response:
    """PATCH /v3/apps/{guid}/environment_variables; it takes effect at the next staging or start."""
    app, body = call.need(App), call.read(Update)
    merged = {name: value for name, value in {**app.environment, **body.var}.items() if value is not None}
    return call.json(_present(call, apps.change(call.db, app, {"environment": merged})))


def everything(call: Call) -> Response:
    """GET /v3/apps/{guid}/env."""
    app = call.need(App)
    return call.json(
        {
            "environment_variables": app.environment,
            "staging_env_json": {},
            "running_env_json": {},
            "system_env_json": {"VCAP_SERVICES": {}},
            "application_env_json": {
                "VCAP_APPLICATION": environment.vcap_application(call.db, call.world.settings, app)
            },
        }
    )


def _present(call: Call, app: App) -> Json:
    paths = {"self": f"/v3/apps/{app.guid}/environment_variables", "app": f"/v3/apps/{app.guid}"}
    return {"var": app.environment, "links": links(call.api, paths)}
