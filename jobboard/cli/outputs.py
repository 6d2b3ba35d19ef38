"""Several forms of one result: ``-o markdown=plan.md -o json=plan.json`` beside what is printed.

A form with ``=FILE`` goes into that file, whole or not at all; one without is printed. Where none is, text
is, so that a log says what the files hold.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.screen import Collected, Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_PRINTED = "-"


@dataclass(frozen=True, slots=True)
class Output:
    """One form that a result is wanted in.

    Attributes:
        form: ``text``, ``json``, …
        path: The file it goes into; None where it is printed.
    """

    form: str
    path: Path | None = None


class Several(argparse.Action):
    """``-o FORM[=FILE]``, as often as wanted.

    The namespace's ``output`` becomes the form that is printed, its ``outputs`` those that go into files.
    """

    def __init__(self, forms: Sequence[str], **options: Any) -> None:
        super().__init__(metavar="FORM[=FILE]", **options)
        self.forms = forms
        self._printed: str | None = None

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Take one of them."""
        asked = self._read(str(values), option_string or "-o")
        files: list[Output] = getattr(namespace, "outputs", [])
        if asked.path is not None:
            if any(asked.path == other.path for other in files):
                raise errors.UsageError(
                    f"two outputs go into {asked.path}", "give each form a file of its own"
                )
            namespace.outputs = [*files, asked]
            return
        if self._printed not in (None, asked.form):
            raise errors.UsageError(
                f"-o {self._printed} and -o {asked.form} would both be printed",
                f"let one go into a file: -o {asked.form}=FILE",
            )
        self._printed = asked.form
        setattr(namespace, self.dest, asked.form)

    def _read(self, text: str, option: str) -> Output:
        form, equals, name = text.partition("=")
        if form not in self.forms:
            from difflib import get_close_matches

            near = get_close_matches(form, self.forms, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise errors.UsageError(
                f'{option}: there is no form "{form}"{meant}',
                f"forms are {', '.join(self.forms)}; FORM=FILE writes a file",
            )
        if name == _PRINTED or not equals:
            return Output(form)
        path = Path(name)
        if not name or path.is_dir() or not path.parent.is_dir():
            why = "names no file" if not name or path.is_dir() else f"there is no folder {path.parent}"
            raise errors.UsageError(f"{option} {text}: {why}", f"write it as  {option} {form}=FILE")
        return Output(form, path)


def outputs_of(args: argparse.Namespace) -> list[Output]:
    """What was asked for: the files first, then what is printed."""
    return [*getattr(args, "outputs", ()), Output(args.output)]


def write_all(outputs: Iterable[Output], write: Callable[[str, Screen], None]) -> None:
    """Have a result written in several forms, by what writes one form to a screen.

    Raises:
        errors.UsageError: A file cannot be written.
    """
    for output in outputs:
        if output.path is None:
            write(output.form, Screen())
        else:
            screen = Collected()
            write(output.form, screen)
            put_file(output.path, screen.taken())


def put_file(path: Path, text: str) -> None:
    """Write a file whole: whoever reads it meanwhile finds the old one.

    Raises:
        errors.UsageError: It cannot be written.
    """
    from tempfile import NamedTemporaryFile

    try:
        if path.exists() and not path.is_file():
            # A pipe or a device is no file that another could take the place of.
            path.write_text(text, encoding="utf-8")
            return
        target = Path(os.path.realpath(path))
        with NamedTemporaryFile(
            "w", dir=target.parent, prefix=f".{target.name}.", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        Path(file.name).chmod(_mode_of(target))
        Path(file.name).replace(target)
    except OSError as error:
        raise errors.UsageError(
            f"{path} cannot be written: {(error.strerror or str(error)).lower()}", "name another file"
        ) from None


def _mode_of(path: Path) -> int:
    """The file's own mode, or what a new one would get."""
    if path.exists():
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
