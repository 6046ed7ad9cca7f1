"""What a worker loads before it may answer: `import function_app`, and no more than indexing needs."""

import subprocess
import sys

import pytest

# Prints the modules that indexing has loaded, one on each line.
INDEX = "import function_app, sys; function_app.app.get_functions(); print(*sys.modules, sep='\\n')"

# What only a call needs, each some tens of milliseconds; aiohttp is the durable SDK's own and comes with it.
LATER = (
    "azure.communication",
    "azure.core",
    "azure.identity",
    "azure.storage",
    "cryptography",
    "msal",
    "numpy",
    "pandas",
    "pyarrow",
    "requests",
    "aiosmtplib",
    "importlib.metadata",  # reads what is installed: pydantic does so for plugins when it builds its first model
    "shared.adapters.graph",
    "shared.core.answer_shapes",
    "shared.core.enrichment",
    "triggers.operations",
)


@pytest.fixture(scope="module")
def indexed(root) -> set[str]:
    done = subprocess.run([sys.executable, "-c", INDEX], cwd=root, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


@pytest.mark.parametrize("module", LATER)
def test_indexing_loads_nothing_that_only_a_call_needs(indexed, module):
    assert not {name for name in indexed if name == module or name.startswith(f"{module}.")}


def test_indexing_loads_no_service_but_what_every_route_shares(indexed):
    """Services bring the enrichment's models, the Graph client and numpy with them: each route loads its own."""
    services = {name for name in indexed if name.startswith("shared.services.")}

    assert services == {"shared.services.conditions"}
