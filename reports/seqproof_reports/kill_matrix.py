"""The kill matrix for people: one line a mutant as it is filled, then what each engine comes to; and as one HTML page.

A cell is a sign, the id that was blamed, the time to the first counterexample and its length. Signs say what colours
say too: ✓ as it should be, ✗ not, ! blamed as something else, – nothing to look at.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqproof_model.kills import EQUIVALENT, Cell, Column, Covered, Matrix, Outcome, Row, column, wrong
from seqproof_reports.html import page_html
from seqproof_reports.text import plural

SIGNS = {
    Outcome.KILLED: ("✓", "green", "pass"),
    Outcome.PASSED: ("✓", "green", "pass"),
    Outcome.SURVIVED: ("✗", "bold red", "fail"),
    Outcome.BLAMED: ("!", "yellow", "fail"),
    Outcome.NONE: ("–", "dim", "none"),
}
NAME, WIDE = 25, 22  # columns of a terminal for an id, and for a cell


def cell_text(cell: Cell | None) -> str:
    """A cell in a few words: the id, the time, the length.

    >>> cell_text(Cell("quick", Outcome.KILLED, ("CNF-5",), "CNF-5", seconds=0.0123, length=4))
    'CNF-5 0.01 s 4'
    """
    if cell is None:
        return ""
    if cell.outcome is Outcome.NONE:
        return ""
    words = [cell.killer or ",".join(cell.blamed[:2])]
    words += [f"{cell.seconds:.2f} s"] if cell.seconds is not None else []
    words += [str(cell.length)] if cell.length is not None else []
    return " ".join(filter(None, words))


def render_head(console: Console, matrix: Matrix) -> None:
    """Print what the engines are, and the head of the lines to come."""
    for engine in matrix.engines:
        console.print(Text.assemble((f"  {engine.name:11}", "bold"), engine.text), highlight=False, soft_wrap=True)
    heads = "".join(f"{engine.name:<{WIDE}}" for engine in matrix.engines)
    console.print(Text(f"\n  {'':{NAME}}{heads}", "dim"), soft_wrap=True)


def render_row(console: Console, row: Row, engines: list[str]) -> None:
    """Print one mutant, as soon as it is done."""
    line = Text(f"  {row.mutant.id:<{NAME}}")
    for name in engines:
        cell = row.cell(name)
        sign, style, _ = SIGNS[cell.outcome] if cell else ("·", "dim", "")
        line.append(f"{sign} ", style)
        line.append(f"{cell_text(cell):<{WIDE - 2}}")
    line.rstrip()
    console.print(line, soft_wrap=True, highlight=False)


def render_end(console: Console, matrix: Matrix) -> None:
    """Print what it comes to: the medians, the requirements, and what is wrong."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for title in ("", "faults killed", "equivalents blamed", "median time", "median length", "times the shortest"):
        table.add_column(title, justify="left" if not title else "right")
    for engine in matrix.engines:
        table.add_row(*column_texts(column(matrix, engine.name)))
    console.print()
    console.print(table)
    if matrix.whole and not matrix.interrupted:
        console.print(f"\n  {requirements_line(matrix.covered)}", highlight=False, soft_wrap=True)
        for each in matrix.covered:
            if each.reason and not (each.blamed or each.suspected):
                console.print(f"  {each.requirement}: {each.reason}", highlight=False, markup=False, soft_wrap=True)
    for line in wrong(matrix):
        console.print(Text.assemble(("  ✗ ", "bold red"), line), soft_wrap=True, highlight=False)
    if matrix.interrupted:
        console.print("  interrupted: the rest is not known", style="bold yellow")


def column_texts(sums: Column) -> tuple[str, ...]:
    """An engine's sums in words."""
    seconds = "" if sums.seconds is None else f"{sums.seconds:.2f} s"
    length = "" if sums.length is None else f"{sums.length:g}"
    over = "" if sums.over is None else f"{sums.over:.1f}"
    return (
        sums.engine,
        f"{sums.killed} of {sums.faults}",
        f"{sums.blamed} of {sums.equivalents}",
        seconds,
        length,
        over,
    )


def requirements_line(covered: tuple[Covered, ...]) -> str:
    """How many requirements some fault is blamed on, in one line."""
    blamed = sum(bool(each.blamed) for each in covered)
    suspected = sum(bool(each.suspected) and not each.blamed for each in covered)
    said = sum(bool(each.reason) and not each.blamed and not each.suspected for each in covered)
    whole = f"of {plural(len(covered), 'requirement')} that can be graded, {blamed} are blamed on some fault"
    return f"{whole}, {suspected} suspected of one" + (f", {said} neither, with a reason" if said else "")


def matrix_html(matrix: Matrix) -> str:
    """Write the matrix as one offline HTML page."""
    lines = wrong(matrix)
    faults = [row for row in matrix.rows if row.mutant.kind != EQUIVALENT]
    return page_html(
        "matrix.html.j2",
        matrix=matrix,
        wrong=lines,
        groups=[("Faults", faults), ("Odd but right", [row for row in matrix.rows if row.mutant.kind == EQUIVALENT])],
        columns=[column_texts(column(matrix, engine.name)) for engine in matrix.engines],
        said=requirements_line(matrix.covered) if matrix.whole and not matrix.interrupted else "",
        signs=SIGNS,
        text=cell_text,
        why=why,
    )


def why(cell: Cell | None) -> str:
    """What a cell has to say besides, for who points at it."""
    if cell is None:
        return "not done"
    told = [cell.reason] if cell.reason else []
    others = [name for name in cell.blamed if name != cell.killer]
    told += [f"also blamed: {', '.join(others)}"] if others else []
    told += [f"suspects: {', '.join(cell.suspects)}"] if cell.suspects else []
    return "; ".join(told) or cell.outcome.value
