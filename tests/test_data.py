"""`pneumonia.data`: every source gives one kind of data set, and says what is wrong with it."""

import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pneumonia import data, imagefiles
from pneumonia.settings import CourseError


@pytest.fixture
def copy(phantom_folder, tmp_path):
    """A copy of the small phantom set that a test may damage."""
    return shutil.copytree(phantom_folder, tmp_path / "copy")


@given(st.integers(1, 99999), st.sampled_from(["bacteria", "virus"]), st.integers(1, 9999), st.integers(0, 9999))
def test_patient_is_in_the_name_whatever_the_folder(number, kind, image, other):
    assert data.patient_of(f"/a/person7_virus_1.jpeg/person{number}_{kind}_{image}.jpeg") == f"person{number}"
    assert data.kind_of(f"person{number}_{kind}_{image}.jpeg", 1) == kind
    for series in ("IM", "NORMAL2-IM"):
        assert data.patient_of(f"x/{series}-{other:04}-0001.jpeg") == f"{series}-{other:04}"
        assert data.patient_of(f"{series}-{other:04}-0001-0002.jpeg") == f"{series}-{other:04}"


@pytest.mark.parametrize(
    "name", ["", "x.jpeg", "person_virus_1.jpeg", "person1_fungus_2.jpeg", "IM-12.jpeg", "aIM-1-1.jpeg"]
)
def test_other_names_have_no_patient(name):
    with pytest.raises(ValueError, match="path: expected a name like"):
        data.patient_of(name)


def test_folder_is_read_whole(phantom_folder):
    from tests.conftest import SMALL_COUNTS

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = data.read_folder(phantom_folder)
    assert dataset.counts() == SMALL_COUNTS
    assert dataset.source.synthetic
    assert dataset.has_patients
    assert set(dataset.kinds) == {"normal", "bacteria", "virus"}
    assert np.array_equal(dataset.labels, (dataset.kinds != "normal").astype(int))
    images = dataset.load(64, [0, -1])
    assert images.shape == (2, 64, 64, 3)
    assert images.dtype == np.uint8
    assert np.array_equal(images[..., 0], images[..., 2])


def test_nesting_and_litter_change_nothing(phantom_folder, tmp_path):
    nested = tmp_path / "download" / "chest_xray" / "chest_xray"
    shutil.copytree(phantom_folder, nested)
    litter = tmp_path / "download" / "chest_xray" / "__MACOSX" / "train" / "NORMAL"
    litter.mkdir(parents=True)
    (litter / "._IM-0115-0001.jpeg").write_bytes(b"resource fork")
    (nested / "train" / "NORMAL" / ".DS_Store").write_bytes(b"finder")
    (nested / "train" / "NORMAL" / "._IM-0115-0001.jpeg").write_bytes(b"resource fork")
    plain, found = data.read_folder(phantom_folder), data.read_folder(tmp_path / "download")
    assert found.fingerprint == plain.fingerprint


def test_unreadable_images_are_named_counted_and_left_out(copy):
    whole = sorted((copy / "train" / "PNEUMONIA").glob("*.jpeg"))
    whole[0].write_bytes(b"not an image")
    whole[1].write_bytes(whole[1].read_bytes()[:2000])  # cut off: the header is fine, the pixels are not
    with pytest.warns(UserWarning, match=rf"2 unreadable image\(s\) left out: .*{whole[0].name}.*{whole[1].name}"):
        dataset = data.read_folder(copy)
    assert dataset.counts()["train"]["PNEUMONIA"] == len(whole) - 2


def test_a_name_without_patient_counts_as_a_patient_of_its_own(copy):
    image = next((copy / "train" / "NORMAL").glob("*.jpeg"))
    image.rename(image.with_name("scan.jpeg"))
    with pytest.warns(UserWarning, match="1 of 64 file names carry no patient: scan.jpeg; each counts"):
        dataset = data.read_folder(copy)
    assert dataset.has_patients
    assert "unknown-scan" in dataset.patients


def test_names_without_any_patient_are_said_to_have_none(copy):
    for number, image in enumerate(sorted(copy.rglob("*.jpeg"))):
        image.rename(image.with_name(f"{number}.jpeg"))
    with pytest.warns(UserWarning, match="64 of 64 .* a split by patient is not possible"):
        assert not data.read_folder(copy).has_patients


@pytest.mark.parametrize("missing", ["train/NORMAL", "test/PNEUMONIA"])
def test_a_missing_class_is_an_error_that_names_it(copy, missing):
    shutil.rmtree(copy / missing)
    with pytest.raises(CourseError, match=f"found none .* in {missing}"):
        data.read_folder(copy)


def test_val_may_be_missing(copy):
    shutil.rmtree(copy / "val")
    assert data.read_folder(copy).counts()["val"] == {"NORMAL": 0, "PNEUMONIA": 0}


@pytest.mark.parametrize("make", [lambda p: p / "absent", lambda p: p])
def test_a_folder_without_the_layout_is_an_error(tmp_path, make):
    with pytest.raises(CourseError, match="expected"):
        data.read_folder(make(tmp_path))


def test_a_changed_file_changes_its_digest_only(copy, own_cache):
    before = data.read_folder(copy)
    image = before.images[5]
    Image.fromarray(before.load(224, [5])[0, ::-1]).save(image)
    after = data.read_folder(copy)
    assert np.flatnonzero(before.digests != after.digests).tolist() == [5]
    assert before.fingerprint != after.fingerprint


def test_known_files_are_not_read_again(phantom_folder, own_cache, monkeypatch):
    first = data.read_folder(phantom_folder)
    monkeypatch.setattr(imagefiles, "_look", lambda path: pytest.fail(f"{path} was read again"))
    assert data.read_folder(phantom_folder).fingerprint == first.fingerprint


def medmnist_file(path, side=28):
    rng = np.random.default_rng(0)
    sizes = {"train": 20, "val": 6, "test": 8}
    arrays = {f"{s}_images": rng.integers(0, 256, (n, side, side), np.uint8) for s, n in sizes.items()}
    labels = {f"{s}_labels": rng.permutation(np.arange(n) % 2)[:, None].astype(np.uint8) for s, n in sizes.items()}
    np.savez(path, **arrays, **labels)
    return path, arrays, labels


def test_medmnist_is_read_and_has_no_patients(tmp_path):
    path, arrays, labels = medmnist_file(tmp_path / "pneumoniamnist.npz")
    dataset = data.read(str(path))
    assert len(dataset) == 34
    assert not dataset.has_patients
    assert dataset.card()["patients"] is None
    assert "no patients" in dataset.source.title
    assert np.array_equal(dataset.split("test").labels, labels["test_labels"].ravel())
    assert np.array_equal(dataset.split("val").load(28)[..., 0], arrays["val_images"])


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_a_file_that_is_not_medmnists_is_an_error(tmp_path, content):
    path = tmp_path / "x.npz"
    np.savez(path, other=np.zeros(3)) if content is None else path.write_bytes(content)
    with pytest.raises(CourseError, match="expected MedMNIST's"):
        data.read_medmnist(path)


def test_the_choice_is_kept_and_the_environment_overrides_it(phantom_folder, monkeypatch):
    assert data.current_choice() == "phantom"
    data.use(str(phantom_folder))
    assert data.current_choice() == str(phantom_folder)
    monkeypatch.setenv("PNEUMONIA_DATA", "/elsewhere")
    assert data.current_choice() == "/elsewhere"


def test_a_choice_that_does_not_work_does_not_replace_one_that_does(phantom_folder, tmp_path):
    data.use(str(phantom_folder))
    with pytest.raises(CourseError):
        data.use(str(tmp_path))
    assert data.current_choice() == str(phantom_folder)


def test_the_real_set_is_recognised_and_has_the_published_counts(real_folder):
    dataset = data.read_folder(real_folder)
    assert dataset.counts() == data.KERMANY_COUNTS
    assert dataset.source.name == "kermany"
    assert dataset.has_patients
    assert not dataset.source.synthetic


def test_the_original_release_without_a_validation_split_is_recognised(real_folder, tmp_path):
    for path in real_folder.rglob("*.jp*g"):
        split, kind = path.parts[-3:-1]
        folder = tmp_path / {"val": "train"}.get(split, split) / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path.name).symlink_to(path)
    dataset = data.read_folder(tmp_path)
    assert dataset.counts() == data.MENDELEY_COUNTS
    assert dataset.source.name == "kermany"
