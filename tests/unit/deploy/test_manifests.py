"""The Kubernetes manifests: valid, and the pieces fit together."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy/kubernetes"
COMPONENTS = ("gateway", "kern", "vfs", "net", "dev")
VERSIONS = {"Deployment": "apps/v1", "Service": "v1", "Secret": "v1"}


def load(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()))


def everything() -> dict[tuple[str, str], dict[str, Any]]:
    found = [document for path in sorted(FOLDER.glob("*.yaml")) for document in load(path.stem)]
    return {(document["kind"], document["metadata"]["name"]): document for document in found}


def container(name: str) -> dict[str, Any]:
    (only,) = everything()["Deployment", f"rump-{name}"]["spec"]["template"]["spec"]["containers"]
    return dict(only)


def test_every_component_has_a_deployment_and_a_service() -> None:
    wanted = {("Secret", "rump-bus")} | {(kind, f"rump-{n}") for n in COMPONENTS for kind in ("Deployment", "Service")}
    found = everything()
    assert set(found) == wanted
    assert all(VERSIONS[kind] == document["apiVersion"] for (kind, _), document in found.items())


@pytest.mark.parametrize("name", COMPONENTS)
def test_service_leads_to_its_deployment(name: str) -> None:
    found = everything()
    service, pod = found["Service", f"rump-{name}"]["spec"], found["Deployment", f"rump-{name}"]["spec"]["template"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    assert found["Deployment", f"rump-{name}"]["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    ports = {port["name"]: port["containerPort"] for port in container(name)["ports"]}
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == ports


@pytest.mark.parametrize("name", COMPONENTS)
def test_pod_is_confined_and_ends_in_order(name: str) -> None:
    deployment = everything()["Deployment", f"rump-{name}"]["spec"]
    pod, only = deployment["template"]["spec"], container(name)
    assert deployment["replicas"] == 1
    assert deployment["strategy"] == {"type": "Recreate"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert not pod["automountServiceAccountToken"]
    assert pod["terminationGracePeriodSeconds"] >= 5
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} <= set(only["resources"])
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert only[kind]["exec"]["command"][:3] == ["python", "-m", "rumpuser.probe"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_module_and_flags_exist(name: str) -> None:
    only = container(name)
    assert only["command"][:2] == ["python", "-m"]
    shown = subprocess.run([sys.executable, *only["command"][1:], "--help"], capture_output=True, text=True, check=True)
    known = set(re.findall(r"--[a-z-]+", shown.stdout))
    assert {flag.partition("=")[0] for flag in only["args"]} <= known


@pytest.mark.parametrize("name", COMPONENTS)
def test_urls_name_services_of_the_manifests(name: str) -> None:
    found = everything()
    for host, port in re.findall(r"://([a-z][a-z-]+):(\d+)", " ".join(container(name)["args"])):
        assert int(port) in {p["port"] for p in found["Service", host]["spec"]["ports"]}


def test_manifests_validate_strictly() -> None:
    if importlib.util.find_spec("kubernetes_validate") is None:
        assert os.environ.get("CI") != "true", "kubernetes-validate is not installed: pip install -e '.[deploy]'"
        pytest.skip("kubernetes-validate is not installed: pip install -e '.[deploy]'")
    program = [sys.executable, "-W", "ignore", "-m", "kubernetes_validate", "--strict"]
    files = sorted(FOLDER.glob("*.yaml"))
    done = subprocess.run([*program, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_image_holds_every_package_of_the_product() -> None:
    text = (ROOT / "deploy/Containerfile").read_text()
    copied = [source for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE) for source in line.split()[:-1]]
    packages = re.findall(r'^  "([a-z/]+)",$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert "services/vfs/rumpvfs" in packages
    assert [p for p in packages if not any(p.startswith(source) for source in copied)] == []
    assert re.search(r"^USER 10001", text, re.MULTILINE)
