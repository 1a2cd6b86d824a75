"""All verbs by name: the module that each is in, and what a list of verbs says of it."""

from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

MARKUP: Final = "markdown"


class Verb(NamedTuple):
    """A function of a module of this room; of `evaluate-tracking`, `evaluate_tracking`."""

    module: str
    help: str
    """The first line of its docstring."""


VERBS = {
    "init": Verb("project", "Make a project: a folder with settings for your recordings, which imports the workflow."),
    "upgrade": Verb("project", "Say what the installed version of poseflow would make anew here, and why."),
    "synth": Verb("recordings", "Render a recording of a home cage, seen from above, whose every pose is known."),
    "index": Verb("recordings", "Find out what a recording holds, from its packets."),
    "extract": Verb("recordings", "Choose frames that are worth labeling, and write them with images for SLEAP's GUI."),
    "labels check": Verb("labels", "Say what label files hold, and what of it is likely wrong."),
    "labels convert": Verb("labels", "Write label files as one of SLEAP, `.slp`."),
    "recommend": Verb("project", "Choose models and their settings by what labels show, each with its reason."),
    "split": Verb("models", "Divide labeled frames into training, validation and test set, for good."),
    "train": Verb("models", "Train a model, here and now; or follow the trainings of a workflow, or end one early."),
    "evaluate": Verb("models", "Measure how well models predict the labeled animals of a test set."),
    "evaluate-tracking": Verb("models", "Measure how well a recording's tracks keep its animals apart."),
    "release": Verb("models", "Put trained models together as a release: a file that says what runs over recordings."),
    "export-model": Verb("models", "Write trained models for other programs, and to predict without TensorFlow."),
    "rollback": Verb("models", "Go back to a release that was in use before: from now on it runs over new recordings."),
    "promote": Verb("models", "Put a release in use that was not promoted: not compared, or no better."),
    "backbones": Verb(
        "models", "List the backbones: weights, arithmetic, receptive field, strides, and where to start."
    ),
    "run": Verb("poses", "Find and follow the animals of a recording, or of all in a folder, by one command."),
    "predict": Verb("poses", "Find the animals in a recording's frames, and write the predictions table."),
    "track": Verb("poses", "Link a recording's instances into tracks, and name them. Reads tables only, no video."),
    "assemble": Verb("poses", "Put predictions, tracks and times together: the pose table."),
    "live": Verb("live", "Find and follow the animals that a camera sees now, and act on it: closed loops."),
    "import-predictions": Verb("exchange", "Make predictions tables of what another program found."),
    "import-config": Verb("exchange", "Make a model's profile of another program's training settings."),
    "render": Verb("output", "Draw poses, names and trails over a recording."),
    "report": Verb("output", "Tell in one HTML file what was done and how far it can be trusted."),
    "export": Verb("output", "Write poses for other programs; docs/how_to/to_your_analysis.md has the formats."),
    "explain": Verb("output", "Say in plain sentences how a table, or the rows of one of its frames, came about."),
    "summary": Verb("output", "Say in a few lines what a run made, where it lies and how good it is."),
    "schema": Verb("output", "Print the JSON schema of the configuration, for editors that complete and check YAML."),
    "serve": Verb("serve", "Serve the page in the browser: label, train, proofread, and look after runs."),
    "corrections show": Verb(
        "corrections", "List what people said of a recording: who, when, of which frame, and what; and what is damaged."
    ),
    "corrections undo": Verb(
        "corrections", "Take back what was said of a recording; of what took something back, that holds again."
    ),
    "status": Verb("daily", "Say how things stand: what is done, at work, waiting or failed; time left; and disk."),
    "rerun": Verb("daily", "Do a recording again, or a step of all recordings; and what follows from it."),
    "remove": Verb("daily", "Remove all that was made of a recording: pose tables, tracks, predictions, index, logs."),
    "clean": Verb("daily", "Remove old versions of releases, models and predictions that nothing refers to."),
    "backup": Verb("daily", "List the files that must be kept, for rsync; and say what can be made again."),
    "doctor": Verb("daily", "Look whether this machine and this folder are fit, and say what is not."),
}
"""Verbs, a line each, in the order of the command's help; `labels check` is a verb of the group `labels`."""

GROUPS = {
    "labels": "Look into label files, and convert them.",
    "corrections": "Look into what people corrected, and take it back.",
}


def load_verb(name: str) -> TyperCommand:
    """Import a verb: its options, its whole help with its settings, and what it does."""
    from typer.main import get_command

    function = getattr(import_module(f"poseflow.cli.{VERBS[name].module}"), name.split()[-1].replace("-", "_"))
    epilog = None
    if settings := getattr(function, "settings", None):
        from poseflow.cli.options import list_settings

        epilog = list_settings(settings)
    alone = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)
    alone.command(epilog=epilog)(function)
    command = get_command(alone)
    assert isinstance(command, TyperCommand)
    return command


class _Listed(TyperCommand):
    """A verb that is imported when it is called: of a second, most goes to imports, and help needs none of them."""

    def __init__(self, verb: str) -> None:
        super().__init__(verb.split()[-1], help=VERBS[verb].help, rich_markup_mode=MARKUP)
        self._verb = verb

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        return load_verb(self._verb).make_context(*arguments, **options)


class Verbs(TyperGroup):
    """The command itself, which lists its verbs and calls them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in VERBS:
            group, _, verb = name.rpartition(" ")
            if group and group not in self.commands:
                own = TyperGroup(name=group, help=GROUPS[group], no_args_is_help=True, rich_markup_mode=MARKUP)
                self.add_command(own)
            place = self.commands[group] if group else self
            assert isinstance(place, TyperGroup)
            place.add_command(_Listed(name), verb)
