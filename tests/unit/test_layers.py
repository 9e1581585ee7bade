"""Who may import whom: the rules of the design, enforced over the syntax trees of the package."""

import ast
from pathlib import Path

import pytest

import llmcoop

PACKAGE = Path(next(iter(llmcoop.__path__)))
FILES = sorted(PACKAGE.rglob("*.py"))

# What those who find evidence must not know of: who asks for it.
EVIDENCE_KNOWS_NOT = {
    f"llmcoop.{name}" for name in ("evaluate", "examination", "proposers", "report", "run", "search", "spec", "store")
}
# What a module, or every module below a package, must not import.
FORBIDDEN = {
    "llmcoop.proposers": {
        "llmcoop.evaluate",
        "llmcoop.measure",
        "llmcoop.store",
        "llmcoop.run",
        "llmcoop.search",
        "sqlite3",
    },
    "llmcoop.evaluate": {"llmcoop.proposers", "llmcoop.guide", "llmcoop.store", "llmcoop.run"},
    "llmcoop.store": {"llmcoop.proposers", "llmcoop.evaluate", "llmcoop.toolchain", "llmcoop.run"},
    "llmcoop.toolchain": {"llmcoop.evaluate", "llmcoop.store", "llmcoop.spec", "llmcoop.run"},
    "llmcoop.sandbox": {"llmcoop.toolchain", "llmcoop.ir", "llmcoop.runner"},
    "llmcoop.ir": {"llmcoop.toolchain", "llmcoop.evaluate", "llmcoop.store", "llmcoop.run"},
    "llmcoop.testing": EVIDENCE_KNOWS_NOT,
    "llmcoop.functions": EVIDENCE_KNOWS_NOT,
    "llmcoop.validation": EVIDENCE_KNOWS_NOT,
    "llmcoop.facts": EVIDENCE_KNOWS_NOT,
    "llmcoop.agents": EVIDENCE_KNOWS_NOT - {"llmcoop.proposers", "llmcoop.spec"},
    "llmcoop.models": EVIDENCE_KNOWS_NOT | {"llmcoop.agents"},
    "llmcoop.guide": EVIDENCE_KNOWS_NOT - {"llmcoop.search"} | {"llmcoop.models", "llmcoop.agents"},
    "llmcoop.verdict": {"llmcoop.runner", "llmcoop.testing", "os", "time", "pathlib", "subprocess"},
    "llmcoop.statistics": {"llmcoop.runner", "llmcoop.measure", "os", "time", "pathlib", "subprocess"},
    "llmcoop.plugin": {"llmcoop.run", "llmcoop.store", "llmcoop.rewrites.reduction"},
}
# A module that only these may import.
RESERVED = {
    "subprocess": {"llmcoop.process"},
    "sqlite3": {"llmcoop.store"},
    "openai": {"llmcoop.models.connection"},
    "httpx2": {"llmcoop.models.connection"},
    "llmcoop.cli": {"llmcoop.__main__"},
    "typer": {
        "llmcoop.cli",
        *(f"llmcoop.{name}_commands" for name in ("bench", "compiler", "project", "rewrite")),
    },
    "rich": {"llmcoop.cli", "llmcoop.bench_commands", "llmcoop.rewrite_commands"},
    "llmcoop.bench": {"llmcoop.bench_commands", "llmcoop.bench_report"},
    "llmcoop.run": {"llmcoop", "llmcoop.cli"},
    "llmcoop.examination": {"llmcoop", "llmcoop.cli"},
    "z3": {"llmcoop.validation.terms", "llmcoop.ir.server"},
}
ONLY_EVERYONES = ("llmcoop.values", "llmcoop.errors")


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Everything that a file imports, wherever in it: `from a import b` counts as `a` and as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_the_package_was_found() -> None:
    assert {"llmcoop.values", "llmcoop.spec", "llmcoop.store"} <= {module_name(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_nothing_imports_upwards(path: Path) -> None:
    module = module_name(path)
    for owner, forbidden in FORBIDDEN.items():
        if within(module, {owner}):
            assert not {name for name in imports(path) if within(name, forbidden)}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_reserved_modules_are_imported_by_their_owners_only(path: Path) -> None:
    module = module_name(path)
    for name, owners in RESERVED.items():
        assert module in owners or not [found for found in imports(path) if within(found, {name})], name


@pytest.mark.parametrize("name", ONLY_EVERYONES)
def test_values_and_errors_import_nothing_of_ours(name: str) -> None:
    path = PACKAGE / f"{name.removeprefix('llmcoop.')}.py"
    assert not {found for found in imports(path) if within(found, {"llmcoop"})}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_file_catches_everything(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            assert caught not in ("", "Exception"), f"line {node.lineno}"
