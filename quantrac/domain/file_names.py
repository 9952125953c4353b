"""Which names of files and folders are accepted, at every door."""

from quantrac.domain.bounds import FILE_NAME_LENGTH
from quantrac.domain.plain_text import has_control


def check_file_name(name: str) -> str:
    """Return the name of a file or a folder; raises ``ValueError`` with a sentence for one not to be kept.

    >>> check_file_name("dữ liệu ngày 25.txt")
    'dữ liệu ngày 25.txt'
    >>> check_file_name("a/b")
    Traceback (most recent call last):
    ...
    ValueError: the name 'a/b' cannot be kept: it holds a slash
    """
    if objection := _objection(name):
        raise ValueError(f"the name {name!r:.80} cannot be kept: {objection}")
    return name


def check_folder(path: str) -> str:
    """Return a path of folders, separated by ``/``; raises like :func:`check_file_name`, for one of them.

    >>> check_folder("/2026/03/25"), check_folder("/")
    ('/2026/03/25', '/')
    """
    for name in path.strip("/").split("/") if path.strip("/") else ():
        check_file_name(name)
    return path


def _objection(name: str) -> str:
    if not name:
        return "it is empty"
    if name in {".", ".."}:
        return "it means a folder"
    # U+FFFD is what a client or a library has put in the place of bytes that are no UTF-8.
    if has_control(name) or "\ufffd" in name:
        return "it holds a control character, or is not UTF-8"
    if "/" in name:
        return "it holds a slash"
    if len(name.encode()) > FILE_NAME_LENGTH:
        return f"it is longer than {FILE_NAME_LENGTH} bytes"
    return ""
