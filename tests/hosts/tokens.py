"""An application whose access logs may not show tokens; `UNMASKED` in the environment leaves them as the servers write them."""

from __future__ import annotations

import os

from hubstream import HubServer
from hubstream.integrations.accesslog import mask_tokens
from tests.hosts.clock import Clock

if "UNMASKED" not in os.environ:
    mask_tokens()
app = HubServer({"/clock": Clock})
