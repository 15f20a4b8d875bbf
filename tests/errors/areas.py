"""The table of refusals: what each area of snapshots holds, and what came of running it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from errors import (
    cases_boards,
    cases_circuits,
    cases_fabrics,
    cases_floats,
    cases_loops,
    cases_machine,
    cases_networks,
    cases_operators,
    cases_requests,
    cases_statements,
    cases_states,
)
from errors.messages import Case, Line, Refusal, refusal

AREAS: dict[str, Callable[[], dict[str, Case]]] = {
    "boards": cases_boards.board_cases,
    "kernel_language": cases_loops.language_cases,
    "loop_graphs": cases_loops.graph_cases,
    "models": cases_networks.model_cases,
    "tables": cases_networks.table_cases,
    "graphs": cases_networks.graph_cases,
    "dataflows": cases_networks.dataflow_cases,
    "fabrics": cases_fabrics.fabric_cases,
    "mappings": cases_fabrics.mapping_cases,
    "plans": cases_fabrics.plan_cases,
    "circuits": cases_circuits.circuit_cases,
    "floats": cases_floats.float_cases,
    "options": cases_requests.option_cases,
    "samples": cases_requests.sample_cases,
    "folders": cases_requests.folder_cases,
    "operators": cases_operators.operator_cases,
    "states": cases_states.state_cases,
    "statements": cases_statements.statement_cases,
    "rules_of_graphs": cases_statements.graph_rule_cases,
    "changed_folders": cases_machine.folder_machine_cases,
    "machine": cases_machine.machine_cases,
}


@cache
def refusals(area: str) -> dict[str, Refusal]:
    return {name: refusal(name, case) for name, case in AREAS[area]().items()}


def lines_met() -> set[Line]:
    """Every line of hlsgen that a case's error passed."""
    return {line for area in AREAS for outcome in refusals(area).values() for line in outcome.lines}
