"""The pages for whoever runs it: the commands, settings, files and metrics that they name exist."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from deploy.manifests import __main__ as manifests
from schemas import metrics, settings
from tests.deploy import kubernetes
from tests.deploy.compose_files import read
from tests.schemas.test_metrics import described

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGES = [ROOT / "README.md", *sorted(DEPLOY.glob("*.md")), DEPLOY / "chart" / "README.md"]
COMMAND = re.compile(r"\bpython -m (deploy\.[a-z_.]+)([^`\n]*)")
PROCESSES = {
    *("statefulset/callagent-ingest", "statefulset/callagent-correlator"),
    *("deployment/callagent-clickhouse-sink", "deployment/callagent-recording-sink"),
}
METRICS = {described(metric)[0] for found in metrics.TABLE.values() for metric in found}


def commands() -> list[tuple[str, str, str]]:
    """The page, the module and the arguments of every command of ours that a page names."""
    return [
        (page.name, module.rstrip("."), arguments)
        for page in PAGES
        for module, arguments in COMMAND.findall(page.read_text())
        if module.rstrip(".") != "deploy"
    ]


@pytest.mark.parametrize(("page", "module", "arguments"), sorted(set(commands())))
def test_every_command_can_be_typed_as_it_stands(
    page: str, module: str, arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mended.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    given = shlex.split(re.sub(r"\bDAY\b", "2026-11-20", arguments), comments=True)
    try:
        program = importlib.import_module(f"{module}.__main__")
    except ModuleNotFoundError:
        program = importlib.import_module(module)
    if not given:
        return
    parse = getattr(program, "arguments", None) or program.parser().parse_args
    parse(given)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_name_on_a_page_is_there(page: Path) -> None:
    text = page.read_text()
    names = set(re.findall(r"`(CALLAGENT_[A-Z0-9_]+)(?:=[^`]*)?`", text))
    assert names <= {variable for variable, *_ in settings.table()}
    assert {re.sub("_total$", "", name) for name in re.findall(r"`(callagent_\w+)`", text)} <= {
        re.sub("_total$", "", name) for name in METRICS
    }
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert target.startswith("http") or (page.parent / target).exists(), target


def all_pages() -> str:
    return "\n".join(page.read_text() for page in PAGES)


def test_every_pod_that_a_page_names_is_there() -> None:
    """`NAME` stands there for a process: what has its pods is named after it."""
    found = kubernetes.pod_specs(kubernetes.read(manifests.MANIFESTS.read_text()))
    owners = {name.lower() for name in found}
    named = set(re.findall(r"\b((?:deployment|statefulset)/callagent-[a-z-]+)", all_pages()))
    assert {"deployment/callagent-toolbox", *PROCESSES} | named <= owners
    waiting = {init["name"] for pod in found.values() for init in pod.get("initContainers", [])}
    assert set(re.findall(r"`(wait-[a-z]+)`", all_pages())) <= waiting


def test_every_service_that_a_page_names_is_there() -> None:
    verbs = "stop|start|logs|restart|exec|run --rm"
    named = set(re.findall(rf"\bcompose (?:{verbs}) ([a-z][a-z-]+)", all_pages()))
    assert named <= read("compose.yaml")["services"].keys()
