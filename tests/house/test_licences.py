"""Every package the site runs on may be combined with the AGPL, version 3 or later."""

import re
from importlib.metadata import distribution
from typing import Final

import pytest
from packaging.requirements import Requirement

from demo.supervision import ROOT

# SPDX names, and what older packages write instead. Each may become part of a work under the
# AGPL 3: permissive ones, the LGPL, the MPL 2.0 by its section 3.3, and GPL "2 or later" or 3.
ALLOWED: Final = {
    *("MIT", "MIT-0", "MIT-CMU", "MIT License", "ISC", "0BSD", "Unlicense", "ZPL 2.1", "ZPL-2.1"),
    *("The Unlicense (Unlicense)", "ISC License (ISCL)", "Zope Public License"),
    *("BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "3-Clause BSD License"),
    *("Apache-2.0", "Apache 2.0", "Apache License, Version 2.0", "Apache Software License"),
    *("PSF-2.0", "Python Software Foundation License", "CNRI-Python", "HPND"),
    *("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"),
    *("LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "LGPL"),
    "GNU Lesser General Public License v2 or later (LGPLv2+)",
    *("GPL-2.0-or-later", "GPL-3.0-or-later", "AGPL-3.0-or-later"),
    "GNU General Public License v2 or later (GPLv2+)",
}
# Packages whose metadata names no licence; read in the package itself.
READ_BY_HAND: Final = {"mrml": "MIT"}
LOCKED: Final = re.compile(r"^([a-z0-9._-]+)==[^ ]+(?: ; (.+?))? \\$", re.MULTILINE | re.IGNORECASE)


def locked_packages() -> list[str]:
    """Return the packages of the runtime lock that this machine installs."""
    found = LOCKED.findall((ROOT / "requirements.txt").read_text())
    assert len(found) > 40
    return [
        name for name, marker in found if not marker or _applies(Requirement(f"{name} ; {marker}"))
    ]


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def licence_choices(name: str) -> list[set[str]]:
    """Return what a package declares: any one of the choices, each with all of its names."""
    if name in READ_BY_HAND:
        return [{READ_BY_HAND[name]}]
    metadata = distribution(name).metadata
    for expression in metadata.get_all("License-Expression") or []:
        return [set(choice.strip("() ").split(" AND ")) for choice in expression.split(" OR ")]
    classifiers = {
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License ::")
    }
    written = metadata.get_all("License") or []
    return [{name} for name in classifiers or written]


@pytest.mark.parametrize("name", locked_packages())
def test_its_licence_allows_the_agpl(name: str) -> None:
    choices = licence_choices(name)

    assert any(choice <= ALLOWED for choice in choices), f"{name}: {choices}"


def test_a_licence_that_forbids_is_refused() -> None:
    assert not {"Proprietary"} <= ALLOWED
    assert not {"GPL-2.0-only"} <= ALLOWED
    assert not {"MIT", "SSPL-1.0"} <= ALLOWED
