"""The command line: the table of verbs, and what an error looks like to a person.

Knows verbs and exit codes; refuses to do anything itself (`commands/`). An `InputError` is the user's: its
message, exit code 2, no traceback. Anything else unexpected is ours: exit code 1 and where the traceback is.
"""

import os
import sys
import traceback
from collections.abc import Callable

import typer
from pydantic import ValidationError
from typer.exceptions import TyperException
from typer.main import get_command

from recording.errors import InputError
from sparring import __version__
from sparring.commands.demo import demo
from sparring.commands.import_ import import_
from sparring.commands.judge import judge
from sparring.commands.proxy import proxy
from sparring.commands.replay import replay
from sparring.commands.report import report
from sparring.commands.run import run
from sparring.commands.schema import schema
from sparring.exit_codes import ExitCode

VERBS: dict[str, Callable[..., int]] = {
    "demo": demo,
    "run": run,
    "proxy": proxy,
    "replay": replay,
    "import": import_,
    "judge": judge,
    "report": report,
    "schema": schema,
}

application = typer.Typer(
    name="sparring",
    help="Let the candidate spar with the baseline on real traffic, before the real fight.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _verb in VERBS.items():
    application.command(_name)(_verb)


@application.callback(invoke_without_command=True)
def _root(*, version: bool = typer.Option(False, "--version", help="print the version")) -> None:
    if version:
        print(f"sparring {__version__}")
        raise typer.Exit


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; the exit code."""
    try:
        code = get_command(application).main(args=arguments, prog_name="sparring", standalone_mode=False)
    except InputError as error:
        return _complain(str(error).replace("Value error, ", ""), ExitCode.USAGE)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return _complain(problems.replace("Value error, ", ""), ExitCode.USAGE)
    except KeyboardInterrupt:
        return _complain("interrupted", ExitCode.INTERRUPTED)
    except TyperException as error:
        return _complain(str(error).replace("Value error, ", ""), ExitCode.USAGE)
    except typer.Abort:
        return _complain("aborted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        return int(ExitCode.INTERNAL_ERROR)
    return code if isinstance(code, int) else 0


def _complain(message: str, code: ExitCode) -> int:
    print(f"sparring: {message}", file=sys.stderr)
    return int(code)


def console_script() -> None:
    """The entry point: what nobody foresaw is one line, unless SPARRING_TRACEBACK asks for more."""
    try:
        code = main()
    except Exception as error:  # noqa: BLE001 - the outermost door: an unforeseen error still gets its exit code
        if os.environ.get("SPARRING_TRACEBACK"):
            traceback.print_exc()
        print(f"sparring: internal error: {type(error).__name__}: {error}", file=sys.stderr)
        print("set SPARRING_TRACEBACK=1 for the whole story", file=sys.stderr)
        code = int(ExitCode.INTERNAL_ERROR)
    sys.exit(code)
