# SPDX-License-Identifier: Apache-2.0
"""Found: what reports and studies share: data as JSON, and its renderings."""

from __future__ import annotations

import json
from typing import Any, Optional, TypeVar

from . import _core

Self = TypeVar("Self", bound="Found")


class Found:
    """What a verb found. ``str()`` is the command's table; a notebook shows HTML."""

    _made_by = "ulpscope"
    _handle: _core.Outcome
    _data: Optional[dict[str, Any]]

    def __init__(self) -> None:
        raise TypeError(f"{type(self).__name__} objects are made by {self._made_by}")

    @classmethod
    def _of(cls: type[Self], outcome: _core.Outcome) -> Self:
        self = cls.__new__(cls)
        self._handle = outcome
        self._data = None
        return self

    def to_dict(self) -> dict[str, Any]:
        """Parsed JSON; numbers that are not finite are the strings "nan", "inf", "-inf"."""
        if self._data is None:
            self._data = json.loads(self.to_json())
        return self._data

    def to_json(self) -> str:
        return self._handle.json()

    def to_markdown(self) -> str:
        return self._handle.markdown()

    def to_html(self) -> str:
        """A page of its own, that loads nothing."""
        return self._handle.html_page()

    def _repr_html_(self) -> str:
        return self._handle.html()

    def __str__(self) -> str:
        return self._handle.text()
