"""Links of the built site: each one within it arrives; one that does not is named."""

from course import links


def test_every_link_within_the_site_arrives(site):
    found = links.examine(site)
    assert found.broken == []
    listed = found.list_of_outside().splitlines()
    assert listed[0].startswith(f"# {len(listed) - 1} addresses")
    assert any(line.startswith("https://doi.org/10.1016/j.cell.2018.02.010\t") for line in listed)
    assert all(line.startswith("http") for line in listed[1:])


def test_broken_links_are_named(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "there.html").write_text('<h1 id="top">There</h1><a href="../index.html#nowhere">up</a>')
    (tmp_path / "index.html").write_text(
        '<a href="book/there.html#top">fine</a><a href="book/there.html#up">no place</a>'
        '<a href="book/gone.html">gone</a>'
        '<img src="lost.png"><a href="#here" id="here">here</a><a href="../outside.html">out</a>'
        '<a href="https://example.org/a">far</a><script src="//example.org/b.js"></script>'
        '<a href="mailto:a@b.c">post</a>'
    )
    found = links.examine(tmp_path)
    assert found.broken == [
        "book/there.html: ../index.html#nowhere (no such place on that page)",
        "index.html: book/there.html#up (no such place on that page)",
        "index.html: book/gone.html (no such file)",
        "index.html: lost.png (no such file)",
        "index.html: ../outside.html (no such file)",
    ]
    assert set(found.outside) == {"https://example.org/a", "//example.org/b.js"}
