"""How an app that takes turns is told when its own has come (docs/recipes.md, “Taking turns”).

One file in the folder of its door, under three names. `wait` is made before the app is started.
The app loads, names it `ready`, and touches no data. Once its predecessor has ended, it is named
`begin`: the app puts its data in order, removes the file and serves. Without a file it does so at
once. The file is renamed whole, so that neither side can undo what the other has just said.
"""

from __future__ import annotations

from typing import Final

WAIT: Final = "wait"
READY: Final = "ready"
BEGIN: Final = "begin"
# in the order to look for them: one that is renamed meanwhile is not missed
WAITING = (WAIT, READY)
