"""`course`: the command line. Each subcommand lives in the module of its subject."""

import warnings

import click


class LazyGroup(click.Group):
    """A group that imports a subcommand's module only when that subcommand runs, so that `--help` is instant."""

    def __init__(self, *args, lazy: dict[str, str] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, ctx):
        return [*super().list_commands(ctx), *self.lazy]

    def get_command(self, ctx, name):
        if name not in self.lazy:
            return super().get_command(ctx, name)
        from importlib import import_module

        module, attribute = self.lazy[name].split(":")
        return getattr(import_module(module), attribute)

    def invoke(self, ctx):
        """A user's mistake ends with its sentence and exit status 1; a warning is one line, without our source code."""
        from pneumonia.settings import CourseError

        warnings.showwarning = lambda message, *_, **__: click.echo(f"Warning: {message}", err=True)
        try:
            return super().invoke(ctx)
        except CourseError as error:
            raise click.ClickException(str(error)) from None


# Subcommand -> where it lives, in the order of a first visit.
COMMANDS = {
    "doctor": "course.doctor:doctor",
    "data": "course.data:data",
    "train": "course.train:train",
    "predict": "course.train:predict",
    "reproduce": "course.reproduce:reproduce",
    "check": "course.grading:check",
    "progress": "course.progress:progress",
    "collect": "course.collect:collect",
    "grade": "course.grading:grade",
    "export": "course.export:export",
    "similar": "course.similar:similar",
    "release": "course.grading:release",
    "sample": "course.grading:sample",
    "site": "course.site:site",
    "pdf": "course.pdf:pdf",
    "screenshots": "course.screenshots:screenshots",
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pneumonia-course")
def main():
    """Telling pneumonia from healthy in children's chest X-rays with a CNN: the course on the command line.

    Teaching material, not a medical device.
    """
