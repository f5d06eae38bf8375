"""`course reproduce`: the experiments behind the numbers of the course."""

from pathlib import Path

import click


@click.command()
@click.argument("name", required=False)
@click.option("--data", "choice", help='"phantom", a folder, or an .npz file, for this run only.')
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), help="Where results go instead of results/."
)
def reproduce(name, choice, output):
    """Run one protocol on the data in use ("all" for each in turn), or list them with minutes and state.

    Stopped and started again, a run goes on after the last finished stage. Results on real images go to results/,
    those on phantoms to _build/reproduce.
    """
    from pneumonia import experiments, leaderboard

    if name is None:
        click.echo("\n".join(listing()))
        return
    from pneumonia.data import current, read
    from pneumonia.settings import write_json

    protocols = list(experiments.PROTOCOLS.values()) if name == "all" else [experiments.find(name)]
    dataset = read(choice) if choice else current()
    click.echo(f"{dataset.source.title}: {len(dataset):,} images")
    if output is None and dataset.source.synthetic:
        output = Path("_build/reproduce")
    for protocol in protocols:
        result = experiments.run(protocol, dataset)
        if output is None:
            path = experiments.record(protocol, result)
            leaderboard.record()
        else:
            path = output / f"{protocol.name}.json"
            write_json(path, result)
        click.echo(f"{protocol.name}: {result['seconds']['total'] / 60:.0f} minutes, written to {path}")


def listing() -> list[str]:
    """One line a protocol: name, minutes, state, question."""
    from pneumonia import experiments

    protocols = experiments.PROTOCOLS.values()
    width = max(len(protocol.name) for protocol in protocols)
    lines = [f"{'':<{width}}  minutes  state        question"]
    for protocol in protocols:
        lines.append(f"{protocol.name:<{width}}  {protocol.minutes:>7g}  {protocol.state:<11}  {protocol.question}")
    lines.append(f"{'all':<{width}}  {sum(protocol.minutes for protocol in protocols):>7g}")
    return lines
