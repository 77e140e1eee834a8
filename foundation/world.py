"""What one running foundation is made of; every request gets at it through here."""

from dataclasses import dataclass

from foundation.auth import Auth, kept_secret
from foundation.blobs import Blobs
from foundation.desired import Desired, MakeRunner
from foundation.logs import Logs
from foundation.model.routing import Router
from foundation.model.staging import Stager
from foundation.rows.apps import App
from foundation.rows.work import Buildpack, Droplet, Package, Stack
from foundation.seed import seed
from foundation.settings import Settings
from foundation.staging.pool import Staging
from foundation.store import Store


@dataclass(frozen=True, kw_only=True)
class World:
    """The parts, wired together."""

    settings: Settings
    store: Store
    blobs: Blobs
    logs: Logs
    auth: Auth
    desired: Desired
    staging: Staging

    def close(self) -> None:
        """Finish what is queued; apps keep running."""
        self.store.end_waiting()
        self.staging.close()
        self.desired.close()
        self.logs.close()
        self.store.close()


def assemble(settings: Settings, stager: Stager, make_runner: MakeRunner, router: Router) -> World:
    """Return a foundation as its state folder has it, with what was started running again."""
    store = Store(settings.state / "foundation.db")
    user = store.call(lambda db: seed(db, settings))
    blobs = Blobs(root=settings.state / "blobs")
    blobs.prepare()
    _sweep(store, blobs)
    logs = Logs(store)
    desired = Desired(store, logs, make_runner, router)
    desired.resume()
    return World(
        settings=settings,
        store=store,
        blobs=blobs,
        logs=logs,
        auth=Auth(
            issuer=settings.api,
            user=user.name,
            user_guid=user.guid,
            password=kept_secret(settings.state / "password"),
            key=kept_secret(settings.state / "token.key"),
        ),
        desired=desired,
        staging=Staging(settings, store, blobs, logs, stager),
    )


def _sweep(store: Store, blobs: Blobs) -> None:
    buildpacks = store.call(lambda db: db.find(Buildpack))
    blobs.sweep("buildpacks", [blobs.buildpack(pack.key) for pack in buildpacks if pack.key])
    packages = store.call(lambda db: db.find(Package, state="READY"))
    blobs.sweep("packages", [blobs.package(package.guid) for package in packages])
    droplets = store.call(lambda db: db.find(Droplet, state="STAGED"))
    blobs.sweep("droplets", [blobs.droplet(droplet.guid) for droplet in droplets])
    apps, stacks = store.call(lambda db: (db.find(App), db.find(Stack)))
    blobs.sweep("caches", [blobs.cache(app.guid, stack.name) for app in apps for stack in stacks])
