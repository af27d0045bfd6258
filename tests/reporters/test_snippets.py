from modeldoctor.findings import Related, Where
from modeldoctor.reporters.blocks import blocks
from modeldoctor.reporters.terminal import styled
from tests.reporters.samples import HOSTILE, finding, report

VIEW = finding(
    where=Where("shop/views.py", 14, 13, 14, 23),
    related=(
        Related(Where("shop/views.py", 11), "view for /predict"),
        Related(Where("shop/urls.py", 9, 5), "routed here"),
    ),
    snippet=((11, "def predict(request):"), (14, '    model = torch.load("weights/resnet.pth")')),
    notes=(),
)


def screen(item: object, width: int = 80) -> str:
    made = report(item, facts=())  # type: ignore[arg-type]
    return styled(blocks(made, width=width, verbosity=-1), width=width, color=False)


def test_the_block() -> None:
    assert screen(VIEW) == (
        "error[MDR901] made-up: the thing is `wrong`\n"
        "  --> shop/views.py:14:13\n"
        "   |\n"
        "11 | def predict(request):\n"
        "   | --------------------- view for /predict\n"
        "   :\n"
        '14 |     model = torch.load("weights/resnet.pth")\n'
        "   |             ^^^^^^^^^^\n"
        "   |\n"
        "  ::: shop/urls.py:9:5: routed here\n"
        "   = fix  mend it\n"
        "\n"
        "Failing: 1 finding at or above --fail-on=error. More: modeldoctor explain MDR901\n"
    )


def test_marks_stand_under_what_is_meant() -> None:
    for text, column, end, marks in [
        ("\tload(x)", 2, 6, "    ^^^^"),  # a tab is four columns
        ("名 = load(x)", 5, 9, "     ^^^^"),  # two columns wide
        ("x = \x1b[31mload", 5, 14, "    ^^^^^^^^^^^^"),  # escaped, so longer
        ("load(x)", 1, None, "^"),
        ("load(x)", 99, 120, "       ^"),  # beyond the end: the source changed in between
    ]:
        item = VIEW._replace(where=Where("a.py", 7, column, 7, end), snippet=((7, text),), related=())
        rows = screen(item).splitlines()
        assert rows[4].startswith("  | "), rows
        assert rows[4][4:].rstrip() == marks or column == 99, (text, rows[4])


def test_a_call_over_several_lines_is_marked_to_the_end_of_its_first() -> None:
    item = VIEW._replace(where=Where("a.py", 7, 5, 9, 2), snippet=((7, "x = load("), (8, "  a,"), (9, ")")), related=())
    assert "7 | x = load(\n  |     ^^^^^\n8 |   a,\n9 | )\n" in screen(item)


def test_long_lines_and_labels_fit_the_screen() -> None:
    label = "a long explanation of what happens there and of what it leads to in the end"
    item = VIEW._replace(
        snippet=((11, "def predict(request):"), (14, "x" * 500)), related=(Related(Where("shop/views.py", 11), label),)
    )
    for width in (60, 80, 120, 200):
        text = screen(item, width)
        assert all(len(row) <= width for row in text.splitlines())
        assert label in " ".join(text.replace("\n", " ").replace("   | ", " ").split())


def test_hostile_lines_are_harmless() -> None:
    text = screen(VIEW._replace(snippet=((14, HOSTILE),), related=()))
    assert text.replace("\n", "").isprintable()


def test_a_line_without_columns_is_marked_whole() -> None:
    item = VIEW._replace(where=Where("requirements.txt", 2), snippet=((2, "  torch==1.10.0 "),), related=())
    assert "2 |   torch==1.10.0\n  |   ^^^^^^^^^^^^^\n" in screen(item)
    blank = item._replace(snippet=((2, ""),))
    assert "2 |\n  | ^\n" in "\n".join(row.rstrip() for row in screen(blank).splitlines()) + "\n"
