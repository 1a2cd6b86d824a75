"""What every rule has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = {
    name: body
    for path in [ROOT / "Snakefile", *sorted(ROOT.glob("workflow/rules/*.smk"))]
    for name, body in re.findall(r"^ *rule (\w+):\n(.*?)(?=^ *rule |\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
}
TARGETS = {"all", "nightly", "suggestions", "experiments"}


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_says_what_it_makes(name):
    assert RULES[name].lstrip().startswith('"""')


@pytest.mark.parametrize("name", sorted(RULES.keys() - TARGETS))
def test_a_rule_has_a_log_a_benchmark_and_a_script_of_its_name(name):
    places = re.findall(r"PLACES\.(log|benchmark)\(\s*\"(\w+)\"", RULES[name])
    assert places == [("log", name), ("benchmark", name)]
    assert f'"../scripts/{name}.py"' in RULES[name]
    script = (ROOT / f"workflow/scripts/{name}.py").read_text()
    assert f"from poseflow.steps.{name} import" in script, "the step's one function does the work"
    assert (ROOT / f"src/poseflow/steps/{name}.py").is_file()
