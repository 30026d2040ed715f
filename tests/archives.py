"""Archives that tests write, some of them with what does harm."""

import io
import tarfile
import zipfile


def tar(files, kind="gz", entries=()):
    """The bytes of a tar archive of names and contents; `entries` are TarInfo without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind}") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for entry in entries:
            archive.addfile(entry)
    return buffer.getvalue()


def zipped(files, entries=()):
    """The bytes of a zip archive, likewise; `entries` are ZipInfo, with the target of a link."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        for entry in entries:
            archive.writestr(entry, b"target")
    return buffer.getvalue()
