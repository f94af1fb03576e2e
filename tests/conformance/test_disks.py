"""Disks of the device faction under file systems, in every placement."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import rump
from tests.conformance.test_descriptors import code, write_file
from tests.ext4_images import make_image
from tests.live import eventually
from tests.tools import need

MIB = 1 << 20
XTS_KEY = bytes(range(32, 64))
_names = itertools.count()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ext4 image with a few files in it."""
    folder = tmp_path_factory.mktemp("disks")
    (folder / "tree").mkdir()
    (folder / "tree" / "hello").write_bytes(b"hello, disk\n")
    (folder / "tree" / "big").write_bytes(contents())
    return make_image(folder / "image", "8M", source=folder / "tree")


def contents() -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in range(MIB // 4))


@pytest.fixture(autouse=True)
def units(connect: Any) -> Iterator[None]:
    """Clears what a test that failed has left configured, so that the next ones can do."""
    yield
    k = connect()
    for device, com in (("raid0d", rump.RAIDFRAME_SHUTDOWN), ("cgd0d", rump.CGDIOCCLR), ("vnd0d", rump.VNDIOCCLR)):
        with contextlib.suppress(OSError):
            ioctl(k, f"/dev/r{device}", com, rump.VndIoctl())


@pytest.fixture
def etfs(k: Any, tmp_path: Path) -> Iterator[Any]:
    """Registers host files as block devices of the kernel: a function of what they hold that gives their names."""
    keys: list[str] = []

    def register(data: bytes) -> str:
        key = f"/dev/disk{next(_names)}"
        path = tmp_path / key.replace("/", "_")
        path.write_bytes(data)
        k.pub.etfs_register(key, str(path), type="blk")
        keys.append(key)
        return key

    register.path = lambda key: tmp_path / key.replace("/", "_")  # type: ignore[attr-defined]
    yield register
    for key in keys:
        k.pub.etfs_remove(key)


def ioctl(k: Any, device: str, com: int, data: Any = None) -> Any:
    fd = k.sys.open(device, os.O_RDWR)
    try:
        return k.sys.ioctl(fd, com, data)
    finally:
        k.sys.close(fd)


def vnd_set(k: Any, file: str, flags: int = 0) -> Any:
    return ioctl(k, "/dev/rvnd0d", rump.VNDIOCSET, rump.VndIoctl(file.encode(), flags)).data


def vnd_clear(k: Any, flags: int = 0) -> None:
    ioctl(k, "/dev/rvnd0d", rump.VNDIOCCLR, rump.VndIoctl(vnd_flags=flags))


def cgd_set(k: Any, disk: str, key: bytes = XTS_KEY, alg: str = "aes-xts", **more: Any) -> Any:
    args = rump.CgdIoctl(ci_disk=disk.encode(), ci_alg=alg, ci_ivmethod="encblkno1", ci_key=key)
    return ioctl(k, "/dev/rcgd0d", rump.CGDIOCSET, args._replace(**more)).data


def cgd_clear(k: Any) -> None:
    ioctl(k, "/dev/rcgd0d", rump.CGDIOCCLR)


def check_mounted(k: Any, device: str, folder: str) -> None:
    """The image is on a device: mounts it, reads it, and takes it off."""
    k.sys.mount("ext2fs", folder, device=device, readonly=True)
    try:
        with k.open(f"{folder}/hello", "rb") as file:
            assert file.read() == b"hello, disk\n"
        with k.open(f"{folder}/big", "rb") as file:
            assert file.read() == contents()
    finally:
        k.sys.unmount(folder, 0)


def xts(data: bytes, key: bytes, sector: int = 512) -> bytes:
    """What a disk under a cgd holds, by the reference."""
    out = []
    for number in range(len(data) // sector):
        cipher = Cipher(algorithms.AES(key), modes.XTS(number.to_bytes(16, "little"))).encryptor()
        out.append(cipher.update(data[number * sector : (number + 1) * sector]))
    return b"".join(out)


# -- vnd


def test_vnd_on_a_host_file(k: Any, folder: str, etfs: Any, image: Path) -> None:
    disk = etfs(image.read_bytes())
    assert vnd_set(k, disk).vnd_size == 8 * MIB
    assert ioctl(k, "/dev/rvnd0d", rump.VNDIOCGET).data.vnu_file == disk.encode()
    check_mounted(k, "/dev/vnd0d", folder)
    vnd_clear(k)
    assert ioctl(k, "/dev/rvnd0d", rump.VNDIOCGET).data == rump.VndUser(0)
    assert code(k.sys.mount, "ext2fs", folder, device="/dev/vnd0d", readonly=True) == "ENXIO"


def test_vnd_on_a_file_of_the_kernel(k: Any, folder: str, image: Path) -> None:
    write_file(k, f"{folder}/disk", image.read_bytes())
    k.sys.mkdir(f"{folder}/mnt", 0o755)
    vnd_set(k, f"{folder}/disk")
    fd = k.sys.open("/dev/rvnd0d", os.O_RDWR)
    assert code(k.sys.pread, fd, 2, 1080) == "EINVAL"
    assert k.sys.pread(fd, 512, 1024)[56:58] == b"\x53\xef"
    k.sys.pwrite(fd, b"x" * 512, 0)
    k.sys.fsync(fd)
    k.sys.close(fd)
    with k.open(f"{folder}/disk", "rb") as file:
        assert file.read(513) == b"x" * 512 + bytes(1)
    check_mounted(k, "/dev/vnd0d", f"{folder}/mnt")
    assert code(cgd_set, k, "/dev/vnd0d") == "EOPNOTSUPP"
    vnd_clear(k)
    k.sys.unlink(f"{folder}/disk")


def test_busy_rules(k: Any, folder: str, etfs: Any, image: Path) -> None:
    disk = etfs(image.read_bytes())
    vnd_set(k, disk)
    assert code(vnd_set, k, disk) == "EBUSY", "it is configured"
    assert code(k.sys.mount, "ext2fs", folder, device=disk, readonly=True) == "EBUSY", "the vnd has it"
    assert code(k.pub.etfs_remove, disk) == "EBUSY"
    k.sys.mount("ext2fs", folder, device="/dev/vnd0d", readonly=True)
    assert code(vnd_clear, k) == "EBUSY", "it is mounted"
    assert code(cgd_set, k, "/dev/vnd0d") == "EBUSY"
    k.sys.unmount(folder, 0)
    cgd_set(k, "/dev/vnd0d")
    assert code(vnd_clear, k) == "EBUSY", "it is under a cgd"
    assert code(k.sys.mount, "ext2fs", folder, device="/dev/vnd0d", readonly=True) == "EBUSY"
    cgd_clear(k)
    vnd_clear(k)
    assert code(vnd_clear, k) == "ENXIO"


def test_the_superuser_alone(connect: Any, etfs: Any) -> None:
    disk = etfs(bytes(4096))
    root, user = connect(), connect()
    root.sys.chmod("/dev/rvnd0d", 0o666)
    user.sys.setuid(1000)
    assert code(vnd_set, user, disk) == "EPERM"
    root.sys.chmod("/dev/rvnd0d", 0o640)


# -- cgd


@pytest.mark.parametrize("sector", [512, 4096])
def test_cgd(k: Any, folder: str, etfs: Any, image: Path, sector: int) -> None:
    disk = etfs(xts(image.read_bytes(), XTS_KEY, sector))
    assert cgd_set(k, disk, ci_secsize=sector).ci_size == 8 * MIB
    user = ioctl(k, "/dev/rcgd0d", rump.CGDIOCGET).data
    assert (user.cgu_alg, user.cgu_keylen, user.cgu_disk) == ("aes-xts", 256, disk.encode())
    check_mounted(k, "/dev/cgd0d", folder)
    cgd_clear(k)


def test_cgd_written(k: Any, folder: str, etfs: Any, image: Path) -> None:
    disk = etfs(bytes(8 * MIB))
    cgd_set(k, disk)
    fd = k.sys.open("/dev/rcgd0d", os.O_RDWR)
    plain = image.read_bytes()
    for offset in range(0, len(plain), MIB):
        assert k.sys.pwrite(fd, plain[offset : offset + MIB], offset) == MIB
    for offset, length in ((1, 512), (512, 100), (0, 1)):
        assert code(k.sys.pwrite, fd, bytes(length), offset) == "EINVAL"
        assert code(k.sys.pread, fd, length, offset) == "EINVAL"
    k.sys.fsync(fd)
    k.sys.close(fd)
    assert etfs.path(disk).read_bytes() == xts(plain, XTS_KEY)
    check_mounted(k, "/dev/cgd0d", folder)
    cgd_clear(k)


def test_a_wrong_key_does_not_mount(k: Any, folder: str, etfs: Any, image: Path) -> None:
    disk = etfs(xts(image.read_bytes(), XTS_KEY))
    cgd_set(k, disk, key=bytes(range(32)))
    assert code(k.sys.mount, "ext2fs", folder, device="/dev/cgd0d", readonly=True) == "EINVAL"
    cgd_clear(k)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ci_alg": "rot13"},
        {"ci_key": bytes(5)},
        {"ci_key": bytes(32)},
        {"ci_ivmethod": "plain"},
        {"ci_secsize": 100},
        {"ci_blocksize": 64},
        {"ci_keylen": 512},
    ],
)
def test_cgd_refuses(k: Any, etfs: Any, wrong: dict[str, Any]) -> None:
    disk = etfs(bytes(4096))
    assert code(cgd_set, k, disk, **wrong) == "EINVAL"
    assert code(cgd_set, k, "/dev/null") == "ENOTBLK"
    assert code(cgd_set, k, "/dev/nothing") == "ENOENT"


def test_a_cgd_on_a_vnd_on_memory(k: Any, folder: str, image: Path) -> None:
    k.pub.md_create(0, 8 * MIB)
    vnd_set(k, "/dev/md0d")
    cgd_set(k, "/dev/vnd0d", key=bytes(range(16)), alg="aes-cbc")
    with k.open("/dev/cgd0d", "r+b") as file:
        file.write(image.read_bytes())
    check_mounted(k, "/dev/cgd0d", folder)
    assert code(k.pub.md_destroy, 0) == "EBUSY"
    cgd_clear(k)
    check = k.sys.open("/dev/md0d", os.O_RDONLY)
    assert k.sys.pread(check, 512, 1024)[56:58] != b"\x53\xef"
    k.sys.close(check)
    vnd_clear(k)
    k.pub.md_destroy(0)


# -- raid


def raid(k: Any, com: int, data: Any = None) -> Any:
    return ioctl(k, "/dev/rraid0d", com, data).data


def raid_set(k: Any, level: int, disks: list[str], spares: list[str] | None = None, *, force: bool = False) -> None:
    names = [disk.encode() for disk in disks]
    raid(k, rump.RAIDFRAME_CONFIGURE, rump.RaidConfig(level, 32, names, [s.encode() for s in spares or []], force))


def settle(k: Any, com: int) -> None:
    eventually(lambda: raid(k, com).remaining == 0, 20, "the set is repaired")


def fill(k: Any, image: Path) -> None:
    """Makes the parity right and writes the image."""
    raid(k, rump.RAIDFRAME_REWRITEPARITY)
    with k.open("/dev/rraid0d", "r+b", buffering=0) as file:
        file.write(image.read_bytes())
    settle(k, rump.RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT)
    assert raid(k, rump.RAIDFRAME_CHECK_PARITY).integer == 1


def statuses(k: Any) -> list[str]:
    return [dev.status for dev in raid(k, rump.RAIDFRAME_GET_INFO).devs]


@pytest.mark.parametrize(("level", "count"), [(0, 2), (1, 2), (5, 3)])
def test_raid(k: Any, folder: str, etfs: Any, image: Path, level: int, count: int) -> None:
    size = 9 * MIB // (count - (level == 5)) if level != 1 else 9 * MIB
    disks = [etfs(bytes(size)) for _ in range(count)]
    assert code(raid_set, k, level, disks) == "EINVAL", "there are no labels"
    raid_set(k, level, disks, force=True)
    fill(k, image)
    check_mounted(k, "/dev/raid0d", folder)
    k.sys.mount("ext2fs", folder, device="/dev/raid0d", readonly=True)
    assert code(raid, k, rump.RAIDFRAME_SHUTDOWN) == "EBUSY"
    k.sys.unmount(folder, 0)
    raid(k, rump.RAIDFRAME_SHUTDOWN)
    assert raid(k, rump.RAIDFRAME_GET_INFO) == rump.RaidInfo()

    raid_set(k, level, disks[::-1])
    assert [dev.devname.decode() for dev in raid(k, rump.RAIDFRAME_GET_INFO).devs] == disks, "as the labels have it"
    check_mounted(k, "/dev/raid0d", folder)
    raid(k, rump.RAIDFRAME_SHUTDOWN)
    k.pub.etfs_remove(disks[1])
    if level == 0:
        assert code(raid_set, k, level, disks) == "EIO"
    else:
        raid_set(k, level, disks)
        assert statuses(k) == ["optimal", "failed", "optimal"][:count]
        check_mounted(k, "/dev/raid0d", folder)
        raid(k, rump.RAIDFRAME_SHUTDOWN)
    k.pub.etfs_register(disks[1], str(etfs.path(disks[1])), type="blk")


def test_a_component_fails_and_is_rebuilt(k: Any, folder: str, etfs: Any, image: Path) -> None:
    disks, spare = [etfs(bytes(5 * MIB)) for _ in range(3)], etfs(bytes(5 * MIB))
    raid_set(k, 5, disks, [spare], force=True)
    fill(k, image)
    raid(k, rump.RAIDFRAME_FAIL_DISK, rump.RaidReconReq(1))
    assert statuses(k) == ["optimal", "failed", "optimal"]
    check_mounted(k, "/dev/raid0d", folder)
    assert code(raid, k, rump.RAIDFRAME_FAIL_DISK, rump.RaidReconReq(2)) == "EIO"
    raid(k, rump.RAIDFRAME_FAIL_DISK, rump.RaidReconReq(1, rump.RF_FDFLAGS_RECON))
    check_mounted(k, "/dev/raid0d", folder)
    settle(k, rump.RAIDFRAME_CHECK_RECON_STATUS_EXT)
    assert statuses(k) == ["optimal", "used_spare", "optimal"]
    raid(k, rump.RAIDFRAME_REBUILD_IN_PLACE, rump.RaidComponent(0, disks[0].encode()))
    settle(k, rump.RAIDFRAME_CHECK_RECON_STATUS_EXT)
    raid(k, rump.RAIDFRAME_FAIL_DISK, rump.RaidReconReq(2))
    check_mounted(k, "/dev/raid0d", folder)
    raid(k, rump.RAIDFRAME_SHUTDOWN)

    raid_set(k, 5, disks, [spare])
    assert statuses(k) == ["optimal", "used_spare", "failed"]
    check_mounted(k, "/dev/raid0d", folder)
    raid(k, rump.RAIDFRAME_SHUTDOWN)


@pytest.mark.parametrize("under", ["cgd", "raid"])
def test_a_file_system_is_made_and_written(k: Any, folder: str, etfs: Any, tmp_path: Path, under: str) -> None:
    """e2fsck has nothing to say about what comes out of it, read as the kernel gives it."""
    device = f"/dev/{under}0d"
    if under == "cgd":
        cgd_set(k, etfs(bytes(16 * MIB)))
    else:
        raid_set(k, 5, [etfs(bytes(9 * MIB)) for _ in range(3)], force=True)
    k.pub.newfs("ext2fs", device)
    k.sys.mount("ext2fs", folder, device=device)
    for number in range(20):
        write_file(k, f"{folder}/f{number}", contents()[: number * 10_000])
    for number in range(0, 20, 2):
        k.sys.unlink(f"{folder}/f{number}")
    k.sys.unmount(folder, 0)
    with k.open(device, "rb") as file, (tmp_path / "out").open("wb") as out:
        while data := file.read(MIB):
            out.write(data)
    done = subprocess.run([need("e2fsck"), "-fn", str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    k.sys.mount("ext2fs", folder, device=device, readonly=True)
    with k.open(f"{folder}/f19", "rb") as file:
        assert file.read() == contents()[:190_000]
    k.sys.unmount(folder, 0)
    cgd_clear(k) if under == "cgd" else raid(k, rump.RAIDFRAME_SHUTDOWN)


def test_a_cgd_on_a_raid(k: Any, folder: str, etfs: Any, image: Path) -> None:
    raid_set(k, 1, [etfs(bytes(9 * MIB)) for _ in range(2)], force=True)
    cgd_set(k, "/dev/raid0d")
    with k.open("/dev/cgd0d", "r+b", buffering=0) as file:
        file.write(image.read_bytes())
    check_mounted(k, "/dev/cgd0d", folder)
    assert code(raid, k, rump.RAIDFRAME_SHUTDOWN) == "EBUSY"
    cgd_clear(k)
    raid(k, rump.RAIDFRAME_SHUTDOWN)
