"""docs/proposals.md: its command says what it shows over the manifests it shows; its settings are settings."""

import re
from dataclasses import fields

import yaml
from predictive_scaling.__main__ import main
from predictive_scaling.base.documents import pretty_bytes
from predictive_scaling.commands.propose import LESSON
from predictive_scaling.proposals.settings import FORMS, Wishes, settings
from project import PROJECT
from proposal_kit import document, service

TEXT = (PROJECT / "docs/proposals.md").read_text("utf-8")
RENDERED, SETTINGS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_command_says_what_the_page_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rendered.yaml").write_text(RENDERED)
    (tmp_path / "overlays/prod").mkdir(parents=True)
    (tmp_path / "overlays/prod/kustomization.yaml").write_text("components: [floors]\n")
    made = document(
        service("checkout", memory=420), service("search", replicas=None, memory=600), run="nightly"
    )
    (tmp_path / "recommendation.json").write_bytes(pretty_bytes(made))
    (block,) = re.findall(r"```console\n\$ python -m predictive_scaling (.*?)```", TEXT, re.DOTALL)
    command, _, expected = block.partition("\n")
    assert main(command.split()) == 1
    found = capsys.readouterr()
    assert sorted(expected.splitlines()) == sorted((found.out + found.err).splitlines())


def test_the_settings_are_settings():
    found = settings(SETTINGS, {})
    assert found.all == Wishes(allow_lower=0.2)
    assert found.of("search") == Wishes(form="vpa")
    assert all(f"| `{each}`" in TEXT for each in FORMS)
    assert len(fields(Wishes)) == len(yaml.safe_load(SETTINGS)) - 1


def test_exit_codes_are_those_of_the_help():
    assert re.findall(r"^\| (\d) \|", TEXT, re.MULTILINE) == re.findall(
        r"(\d) (?:everything|something|bad|the)", LESSON
    )


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (PROJECT / "docs" / link).is_file(), link
