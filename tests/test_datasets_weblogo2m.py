"""WebLogo-2M: a folder of photographs a brand, unpacked or still in archives."""

import io
import tarfile

import pytest
from photographs import encode, scene, write

from logo_keras.datasets import load
from logo_keras.datasets.public.weblogo2m import stream


def pack(path, members):
    """Writes a .tar.gz of names and contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))


def test_a_brand_in_several_parts_is_one_class(tmp_path):
    names = ["part_1/nike/2.jpg", "part_1/nike/10.jpg", "part_2/nike/1.JPG", "part_2/3m/1.jpeg", "part_2/Visa/1.png"]
    for name in names:
        write(tmp_path / name)
    for name in ("part_1/nike/1.xml", "part_1/nike/.2.jpg", "part_1/.nike/1.jpg", "part_1/empty/notes.txt", "1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "part_1/nike/folder.jpg").mkdir()
    dataset = load("weblogo2m", tmp_path)
    assert dataset.class_names == ("3m", "Visa", "nike")
    found = [path.removeprefix(f"{tmp_path}/") for path in dataset.paths]
    assert found == [names[3], names[4], names[1], names[0], "part_1/nike/folder.jpg", names[2]]
    assert dataset.labels.tolist() == [0, 1, 2, 2, 2, 2]
    assert dataset.notes[1] == "3 of 194 brands are here, and labels count these"
    assert list(dataset.check()) == [dataset.paths[4]] and dataset.root == str(tmp_path)


@pytest.mark.parametrize("folder", ["", "WebLogo-2M", "WebLogo-2M/part_7"])
def test_brands_may_lie_deeper(tmp_path, folder):
    for number in range(194):
        (tmp_path / folder / f"brand {number}").mkdir(parents=True)
        (tmp_path / folder / f"brand {number}" / "1.jpg").write_bytes(b"")
    dataset = load("weblogo2m", tmp_path)
    assert len(dataset) == len(dataset.class_names) == 194
    assert dataset.notes == ("labels are what was searched for on the web, and many are wrong",)


def test_archives_that_are_not_unpacked_are_an_error_that_says_what_to_do(tmp_path):
    pack(tmp_path / "part_1.tar.gz", [])
    with pytest.raises(FileNotFoundError, match=r"holds part_1\.tar\.gz, not unpacked.* logo-data get .*lk\.datasets\.stream"):
        load("weblogo2m", tmp_path)
    pack(tmp_path / "part_2.tar.gz", [])
    with pytest.raises(FileNotFoundError, match=r"holds part_1\.tar\.gz and 1 more archives, not unpacked"):
        load("weblogo2m", tmp_path)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ValueError, match="WebLogo-2M has no splits, got split='train': .*Dataset.split"):
        load("weblogo2m", tmp_path, "train")
    with pytest.raises(FileNotFoundError, match="is no WebLogo-2M, it has no folders of photographs; .* is empty"):
        load("weblogo2m", tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        load("weblogo2m", tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds no archives of WebLogo-2M"):
        stream(tmp_path)
    write(tmp_path / "nike/1.jpg")
    with pytest.raises(ValueError, match="cut needs boxes"):
        load("weblogo2m", tmp_path, cut=0.1)


def test_archives_are_read_as_a_stream_in_the_order_of_their_numbers(tmp_path):
    photographs = [encode(scene(seed=seed)) for seed in range(4)]
    pack(tmp_path / "part_10.tar.gz", [("nike/4.jpg", photographs[3])])
    members = [("./nike/1.jpg", photographs[0]), ("part/3m/2.jpg", photographs[1]), ("nike/1.xml", b"<a/>"), ("3.jpg", b"x")]
    pack(tmp_path / "part_2.tar.gz", members)
    found = list(stream(tmp_path))
    assert found == [
        ("nike/1.jpg", "nike", photographs[0]),
        ("part/3m/2.jpg", "3m", photographs[1]),
        ("nike/4.jpg", "nike", photographs[3]),
    ]
    assert [path for path, _, _ in stream(tmp_path, ["3m", "visa"])] == ["part/3m/2.jpg"]
    assert [brand for _, brand, _ in stream(tmp_path / "part_10.tar.gz")] == ["nike"]


def test_a_stream_passes_over_links_and_paths_that_lead_outside(tmp_path, capsys):
    with tarfile.open(tmp_path / "part_1.tar.gz", "w:gz") as file:
        for name in ("../nike/1.jpg", "/nike/2.jpg", "nike/3.jpg"):
            member = tarfile.TarInfo(name)
            member.size = 4
            file.addfile(member, io.BytesIO(b"data"))
        link = tarfile.TarInfo("nike/4.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    assert [path for path, _, _ in stream(tmp_path)] == ["nike/3.jpg"]
    assert "../nike/1.jpg" in capsys.readouterr().err
