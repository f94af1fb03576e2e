"""Copies a tree: from the host, from a kernel, to either."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from rump._errors import error_of
from rump.fs._node import Copied, Kept, Node, Pieces, Progress, Report, Source, Target, Tell
from rumpwire.errno import Errno, KernelError


class Copier:
    """One copy. It goes depth first, with a stack of its own: trees may be deeper than Python's."""

    def __init__(
        self, source: Source, target: Target, kept: Kept, copied: Copied, reports: tuple[Report, Report],
        progress: Tell | None = None,
    ) -> None:  # fmt: skip
        self._source = source
        self._target = target
        self._kept = kept
        self._copied = copied
        self._report_source, self._report_target = reports
        self._unread: OSError | None = None
        self._progress = progress
        self._seen: dict[tuple[int, int], bytes] = {}

    def run(self, *, recursive: bool = True) -> None:
        """IsADirectoryError for a directory unless ``recursive``."""
        top = self._source.top()
        if top.kind == stat.S_IFDIR and not recursive:
            raise error_of(KernelError(Errno.EISDIR, "a directory, and the copy is not recursive"))
        self._put(top)
        stack: list[tuple[Node, Iterator[Node]]] = []
        if top.kind == stat.S_IFDIR:
            stack.append((top, self._source.children(top)))
        while stack:
            folder, children = stack[-1]
            node = next(children, None)
            if node is None:
                stack.pop()
                self._target.leave(folder)
                continue
            if self._put(node) and node.kind == stat.S_IFDIR:
                stack.append((node, self._source.children(node)))
        self._target.flush()

    def _put(self, node: Node) -> bool:
        """False when it could not be done, which is then reported."""
        try:
            self._make(node)
        except OSError as error:
            (self._report_source if error is self._unread else self._report_target)(node.path, error)
            return False
        if self._progress is not None:
            self._progress(Progress(node.path, self._copied.files, self._copied.size))
        return True

    def _make(self, node: Node) -> None:
        kind = node.kind
        if kind == stat.S_IFDIR:
            self._target.directory(node)
            self._copied.directories += 1
            return
        if node.st.st_nlink > 1 and self._kept.links:
            first = self._seen.setdefault(node.identity, node.path)
            if first is not node.path:
                self._target.link(node, first)
                self._copied.files += 1
                return
        if kind == stat.S_IFREG:
            self._file(node)
        elif kind == stat.S_IFLNK:
            self._target.symlink(node)
        else:
            self._target.special(node)
        self._copied.files += 1

    def _file(self, node: Node) -> None:
        if node.data is not None:
            self._target.file(node, None)
            self._copied.size += len(node.data)
            return
        self._target.file(node, self._counted(node))

    def _counted(self, node: Node) -> Pieces:
        pieces = self._source.pieces(node)
        while True:
            try:
                found = next(pieces, None)
            except OSError as error:
                self._unread = error
                raise
            if found is None:
                return
            offset, data = found
            yield offset, data
            self._copied.size += len(data)
            if self._progress is not None:
                self._progress(Progress(node.path, self._copied.files, self._copied.size))
