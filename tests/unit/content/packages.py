"""Updates and their files, in a folder that stands for an archive."""

from dataclasses import replace

from reconciler.model.ids import sha256_hex
from reconciler.model.objects import Owner, Package
from reconciler.model.updates import PackageFile, Update

A_PACKAGE = Package(
    id="PWR00001",
    version=1,
    name="monthly",
    content_digest="0" * 64,
    rollout="monthly",
    release=1,
    priority="medium",
    owner=Owner("Rollout", "monthly", "c0ffee"),
)


def a_file(name="app", version="1.0", architecture="amd64", depends="", **changes):
    content = f"{name} {version} {architecture}".encode()
    path = f"pool/{name}_{version.replace(':', '%3a')}_{architecture}.deb"
    fields = {
        "Package": name,
        "Version": version,
        "Architecture": architecture,
        "Filename": path,
        "Size": len(content),
        "SHA256": sha256_hex(content),
    }
    control = "\n".join(f"{field}: {value}" for field, value in fields.items())
    values = {
        "name": name,
        "version": version,
        "architecture": architecture,
        "path": path,
        "size": len(content),
        "sha256": sha256_hex(content),
        "depends": depends,
        "control": control,
    }
    return PackageFile(**{**values, **changes})


def an_update(*files, release="debian-12", location="", source=None):
    first = files[0]
    product = source or first.name
    return Update(
        id=f"deb:Lab/{release}/{product}/{first.version}",
        source="lab",
        product=product,
        version=first.version,
        release=(release,),
        classification="security",
        packages=files,
        location=location,
    )


def write_archive(folder, *updates):
    """Write the updates' files below the folder, and give the updates with its location."""
    placed = []
    for update in updates:
        for file in update.packages:
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{file.name} {file.version} {file.architecture}".encode())
        placed.append(replace(update, location=str(folder)))
    return tuple(placed)
