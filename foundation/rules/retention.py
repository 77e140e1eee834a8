"""How many packages and droplets of an app are kept.

As in cloud_controller's bits_expiration.rb: beside the current droplet and its package, the newest five.
The others are EXPIRED and their files go. What a running process or a build needs stays, too.
"""

from pathlib import Path

from foundation.blobs import Blobs, remove
from foundation.rows.apps import App, Started
from foundation.rows.work import Build, Droplet, Package
from foundation.store import Db

KEPT = 5


def expire(db: Db, blobs: Blobs, app_guid: str) -> None:
    """Let go of an app's older packages and droplets; their files are removed after the transaction."""
    app = db.get(App, app_guid)
    if app is None:
        return
    current = db.get(Droplet, app.droplet_guid) if app.droplet_guid else None
    used = {Path(started.spec["droplet"]).name for started in db.find(Started, app_guid=app_guid)}
    used |= {build.package_guid for build in db.find(Build, app_guid=app_guid, state="STAGING")}
    used |= {current.guid, current.package_guid} if current else set()
    packages = [row for row in db.find(Package, app_guid=app_guid, state="READY") if row.guid not in used]
    droplets = [row for row in db.find(Droplet, app_guid=app_guid, state="STAGED") if row.guid not in used]
    gone = [blobs.package(db.change(row, state="EXPIRED").guid) for row in packages[:-KEPT]]
    gone += [blobs.droplet(db.change(row, state="EXPIRED").guid) for row in droplets[:-KEPT]]
    db.after_commit(lambda: remove(gone))
