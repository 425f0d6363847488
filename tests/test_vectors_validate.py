"""The reference's verdicts on texts. Cases with another verdict are listed with their reason in
`validate_deviations.json`; what stands on which line is compared in the tests of the core."""

from __future__ import annotations

import json
from pathlib import Path

import c4py
from vector_cases import Case, check_all, raw

DEVIATIONS: dict[str, list[str]] = json.loads((Path(__file__).parent / "validate_deviations.json").read_text())


def test_verdicts() -> None:
    deviating = {case for cases in DEVIATIONS.values() for case in cases}

    def check(case: Case) -> None:
        result = c4py.validate(raw(case, "text"))
        assert (result.is_valid == case["lenient"]["ok"]) == (case["case"] not in deviating), result

    check_all("validate", check, count=152)


def test_texts_that_do_not_load_are_not_valid() -> None:
    def check(case: Case) -> None:
        text = raw(case, "text")
        try:
            c4py.loads(text)
        except c4py.ParseError as error:
            places = [(issue.line, issue.column) for issue in c4py.validate(text).errors]
            assert (error.line, error.column) in places or text.startswith("\ufeff".encode())

    check_all("decode_err", check)
