"""JUnit XML: a run as the test report that every CI system shows, one test case per requirement.

A violation is a failure; a known one is skipped with its reason; what is not graded is skipped, unless it is required,
then it is an error; a stale entry of the baseline is a failure, because something has to be changed. What concerns the
run as a whole (the target died, the time was up) is a test case of its own, so that a report without failures never
hides a run that decided nothing. The form is the one of Ant that Jenkins reads: properties first, then the cases, each
with one child at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from seqproof_model.assessment import Assessment
from seqproof_model.history import Header
from seqproof_model.verdict import Counterexample, Grade, Result, Violation
from seqproof_reports.report import report, reproduced
from seqproof_reports.summary import headline
from seqproof_reports.text import visible
from seqproof_reports.titles import titled

THE_RUN = "the run"
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def junit_xml(assessment: Assessment, header: Header, counterexamples: Sequence[Counterexample] = ()) -> str:
    """Write a run as JUnit XML, with its declaration. Nothing a server said can become markup."""
    shown = {item.violation.requirement: item for item in counterexamples}
    suite = Element("testsuite", name=visible(f"seqproof {header.target}"))
    properties = SubElement(suite, "properties")
    for name, value in _properties(assessment, header):
        SubElement(properties, "property", name=name, value=visible(value))
    classname = visible(f"seqproof.{header.target}")
    for grade in assessment.verdict.grades:
        title = titled(grade.requirement).title
        name = f"{grade.requirement} {title}".rstrip()
        case = SubElement(suite, "testcase", classname=classname, name=visible(name))
        _outcome(case, assessment, grade, shown.get(grade.requirement))
    if why := assessment.verdict.inconclusive:
        _child(SubElement(suite, "testcase", classname=classname, name=THE_RUN), "error", why[0], why)
    counts = {name: str(len(suite.findall(f"testcase/{tag}"))) for name, tag in COUNTED.items()}
    suite.attrib.update({"tests": str(len(suite.findall("testcase"))), **counts})
    root = Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _properties(assessment: Assessment, header: Header) -> list[tuple[str, str]]:
    return [
        ("target", header.target),
        ("server", header.server),
        ("profile", header.profile.describe()),
        ("seed", "" if header.seed is None else str(header.seed)),
        ("kit", header.kit),
        ("graded", headline(assessment.verdict)),
    ]


def _outcome(case: Element, assessment: Assessment, grade: Grade, shown: Counterexample | None) -> None:
    stale = [entry for entry in assessment.stale if entry.requirement == grade.requirement]
    if grade.result is Result.FAIL:
        violation = shown.violation if shown else _first(assessment, grade.requirement)
        reason = assessment.reasons.get(grade.requirement)
        evidence = _evidence(violation, shown)
        if reason is None:
            _child(case, "failure", violation.sentence, evidence, violation.invariant)
        else:
            _child(case, "skipped", f"known: {reason}", evidence)
    elif grade in assessment.missing:
        _child(case, "error", f"required, and not graded: {grade.reason}")
    elif grade.result is Result.NOT_GRADED:
        _child(case, "skipped", f"not graded: {grade.reason}")
    elif stale:
        _child(case, "failure", "stale: it passes, and the baseline lists it; remove the entry", kind="stale")


def _first(assessment: Assessment, requirement: str) -> Violation:
    return next(v for v in assessment.verdict.violations if v.requirement == requirement)


def _child(case: Element, tag: str, message: str, lines: Sequence[str] = (), kind: str = "") -> None:
    child = SubElement(case, tag, message=visible(message))
    if kind:
        child.set("type", kind)
    child.text = "\n".join(visible(line) for line in lines)


def _evidence(violation: Violation, shown: Counterexample | None) -> list[str]:
    """What a person needs who sees nothing but this report."""
    if shown is None:
        return [violation.sentence]
    told = report(shown)
    lines = [violation.sentence, *told.argument, f"trace: {told.notation}", f"{reproduced(shown)}; {shown.claim}"]
    return [*lines, f"replay: {told.replay}"]
