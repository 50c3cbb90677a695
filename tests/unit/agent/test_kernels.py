import pytest

from reconciler.agent.apt.kernels import waiting_for_kernel
from reconciler.agent.boot import Kernel
from reconciler.agent.inventory import Installed, Inventory
from reconciler.model.updates import CatalogSlice, SliceUpdate

META = ("linux-image-amd64", "amd64", "6.1.112-1")
IMAGE = ("linux-image-6.1.0-28-amd64", "amd64", "6.1.112-1")
REALTIME = ("linux-image-6.1.0-28-rt-amd64", "amd64", "6.1.112-1")
LIBRARY = ("linux-libc-dev", "amd64", "6.1.112-1")
UBUNTU = ("linux-image-6.8.0-48-generic", "amd64", "6.8.0-48.48")


def debian(release, version):
    return Kernel(release, f"#1 SMP PREEMPT_DYNAMIC Debian {version} (2025-01-01)")


@pytest.mark.parametrize(
    ("packages", "running", "waits"),
    [
        pytest.param([META, IMAGE], debian("6.1.0-27-amd64", "6.1.100-1"), True, id="older"),
        pytest.param([META, IMAGE], debian("6.1.0-28-amd64", "6.1.112-1"), False, id="runs"),
        pytest.param([META, IMAGE], debian("6.1.0-29-amd64", "6.1.120-1"), False, id="newer"),
        pytest.param([IMAGE], debian("6.1.0-28-amd64", "6.1.110-1"), True, id="same-name-older"),
        pytest.param([LIBRARY], debian("6.1.0-27-amd64", "6.1.100-1"), False, id="no-kernel"),
        pytest.param(
            [IMAGE, REALTIME],
            debian("6.1.0-28-rt-amd64", "6.1.112-1"),
            False,
            id="one-flavour-of-two",
        ),
        pytest.param(
            [UBUNTU], Kernel("6.8.0-47-generic", "#47-Ubuntu SMP"), True, id="ubuntu-older"
        ),
        pytest.param(
            [UBUNTU], Kernel("6.8.0-48-generic", "#48-Ubuntu SMP"), False, id="ubuntu-runs"
        ),
        pytest.param([IMAGE], Kernel("my kernel", ""), True, id="named-by-nobody-we-know"),
        pytest.param([IMAGE], Kernel("", ""), False, id="a-root-without-a-kernel"),
    ],
)
def test_update_waits_for_its_kernel(packages, running, waits):
    installed: Inventory = {
        name: (Installed(name, architecture, version, whole=True, held=False),)
        for name, architecture, version in packages
    }
    catalog = CatalogSlice("debian-12", 1, (SliceUpdate("u", tuple(packages)),))

    assert waiting_for_kernel(catalog, installed, running) == ({"u"} if waits else set())


def test_image_that_is_not_installed_waits_for_nothing():
    catalog = CatalogSlice("debian-12", 1, (SliceUpdate("u", (IMAGE,)),))

    assert not waiting_for_kernel(catalog, {}, debian("6.1.0-27-amd64", "6.1.100-1"))
