"""Which targets are compared: by name from the criteria, else by role from the rows.

Knows target lists; refuses to know pairs. An arm that is not in the data is a reason for INVALID, never a
pass by default; several targets to choose from is the user's to settle, in the criteria. Called by
`judge.verdict`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from judge.criteria import Criteria
from judge.exchanges import Target
from recording.errors import InputError
from recording.exchange import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The two targets, and reasons why they cannot be compared."""

    baseline: str
    candidate: str
    problems: tuple[str, ...] = ()


def choose_arms(targets: Sequence[Target], criteria: Criteria, *, place: str) -> Arms:
    """The compared targets; `InputError` if a role has several and the criteria name none."""
    baseline, missing_b = _choose(targets, Role.BASELINE, named=criteria.baseline, place=place)
    candidate, missing_c = _choose(targets, Role.CANDIDATE, named=criteria.candidate, place=place)
    if baseline == candidate:
        raise InputError(
            f"{baseline!r} is baseline and candidate at once", place=place, fix="name two targets"
        )
    problems = [problem for problem in (missing_b, missing_c) if problem]
    nulls = sum(target.nulls for target in targets)
    if nulls:
        problems.append(f"{nulls:,} rows lack a value that every row must have; record the run again")
    return Arms(baseline=baseline, candidate=candidate, problems=tuple(problems))


def _choose(targets: Sequence[Target], role: Role, *, named: str | None, place: str) -> tuple[str, str]:
    names = sorted({target.name for target in targets})
    there = ", ".join(map(repr, names)) or "none"
    if named is not None:
        problem = f"no rows of the {role} {named!r} (targets here: {there})" if named not in names else ""
        return named, problem
    of_role = sorted({target.name for target in targets if target.role == role.value})
    if len(of_role) > 1:
        raise InputError(
            f"{len(of_role)} targets have the role {role} ({', '.join(of_role)})",
            place=place,
            fix=f"write `{role}: {of_role[0]}` into the criteria",
        )
    if of_role:
        return of_role[0], ""
    return role.value, f"no target has the role {role} (targets here: {there})"
