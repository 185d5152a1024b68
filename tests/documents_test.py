"""What the Markdown files name exists: files, sections, commands, flags."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for folder in (".", "docs", "zoo/*", "zoo/*/*")
    for path in ROOT.glob(f"{folder}/*.md")
    if path.parent != ROOT or path.name != "CHANGELOG.md"  # tells the past
)
every_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS]
)


def section(heading):
    """Returns the anchor of a heading, as GitHub writes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def commands(text):
    """Yields the module and the flags of every command."""
    text = text.replace("\\\n", " ")
    for line in re.findall(r"python -m ((?:vqa_keras|pipelines)\..*)", text):
        line = re.split(r"`|\. | \(", line)[0]
        yield line.split()[0], re.findall(r"--(\w+)", line)


@every_document
def test_every_link_resolves(path):
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            headings = re.findall("^#+ (.*)$", target.read_text("utf-8"), re.M)
            assert anchor in map(section, headings), link


@every_document
def test_every_flag_is_one_of_its_command(path):
    for module, flags in commands(path.read_text(encoding="utf-8")):
        file = ROOT / f"{module.replace('.', '/')}.py"
        assert file.is_file(), module
        if module == "pipelines.write_records":
            continue  # scale_docs_test.py: the flags of Beam, too
        defined = re.findall(
            r'flags\.DEFINE_\w+\(\s*"(\w+)"', file.read_text("utf-8")
        )
        assert set(flags) <= set(defined), module


def test_finds_commands_over_several_lines():
    text = "    python -m vqa_keras.zoo.train ENTRY \\\n        --data=DIR\n"
    assert list(commands(text)) == [("vqa_keras.zoo.train", ["data"])]
