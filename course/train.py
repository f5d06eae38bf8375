"""`course train` and `course predict`: the reference protocol, and its model on an image file."""

from pathlib import Path

import click

DEFAULT_RUN = Path("_build/reference-head")


@click.command()
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_RUN, show_default=True)
@click.option(
    "--seeds", type=click.IntRange(1, 100), default=5, show_default=True, help="How many runs, from seed 0 on."
)
def train(output, seeds):
    """Train the reference head on the data in use: metrics, figures and a model.

    Frozen VGG16, cached features, Dense 128, class weights, early stopping on patients that training does not see.
    What the course's pages show of it is kept by `course reproduce reference-head`.
    """
    from pneumonia import reference
    from pneumonia.data import current

    dataset = current()
    click.echo(f"{dataset.source.title}: {len(dataset):,} images")
    result, model = reference.run(dataset, seeds=tuple(range(seeds)))
    reference.write(result, model, output)
    for name in ("validation", "test"):
        shown = ", ".join(
            f"{metric} {result[name][metric]['mean']:.3f} (sd {result[name][metric]['sd']:.3f})"
            for metric in ("auc", "accuracy", "recall", "specificity")
        )
        click.echo(f"{name:<11} {shown}")
    click.echo(f"Written to {output}: metrics.json, model.keras (seed 0), figures as PNG")


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(dir_okay=False, path_type=Path), default=DEFAULT_RUN / "model.keras")
def predict(images, model):
    """The trained model's probability of PNEUMONIA for image files."""
    from pneumonia.data import load_image
    from pneumonia.settings import CourseError

    if not model.is_file():
        raise CourseError(f"{model}: no trained model there; run `course train` first, or name one with --model")
    from pneumonia.backend import keras
    from pneumonia.training import predict as probabilities_of

    try:
        classifier = keras.models.load_model(model, safe_mode=True, compile=False)
        size = classifier.input_shape[1]
    except Exception as error:  # Keras raises many types on a file that is no model of its own
        raise CourseError(
            f"{model}: expected a model that `course train` wrote ({str(error).splitlines()[0]})"
        ) from None
    failed = 0
    for path in images:
        try:
            image = load_image(path, size)
        except CourseError as error:  # the other images still get their answer
            click.echo(f"Error: {error}", err=True)
            failed += 1
            continue
        (probability,) = probabilities_of(classifier, image[None, :, :, None].repeat(3, axis=-1).astype("float32"))
        click.echo(f"{path}: probability of PNEUMONIA {probability:.3f}")
    click.echo("This is teaching material, not a diagnosis: do not use it to decide about anyone's care.")
    if failed:
        raise CourseError(f"{failed} of {len(images)} file(s) could not be read")
