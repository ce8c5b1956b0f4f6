"""Progress in a founder's words: what each step means for her."""

from __future__ import annotations

STEP_WORDS: dict[str, str] = {
    "check_room": "Making sure there is room for you",
    "pin_release": "Picking the newest safe version",
    "mint_secrets": "Getting your keys ready",
    "prepare_node": "Making a private place for your photos and words",
    "render_configs": "Writing down your promises",
    "create_network": "Closing the doors you wanted closed",
    "start_service": "Waking your community up",
    "create_owner": "Handing you the keys",
    "await_health": "Opening the front door",
    "await_owner": "Laying out the welcome mat",
    "attest": "Checking that what runs is the published code",
    "tidy": "Sweeping up behind us",
    "stop_service": "Closing the front door",
    "remove_network": "Taking down its walls",
    "remove_secrets": "Melting down its keys",
    "erase_data": "Erasing everything that was kept",
    "free_name": "Giving the name back",
}
