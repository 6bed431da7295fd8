"""Why a read was not granted: every code there is, and what a person is told."""

REASONS: dict[str, str] = {
    "unknown_format": "The card's bits fit no configured format, or its parity is wrong.",
    "unknown_credential": "Nobody carries this card.",
    "ambiguous_card": "The card's bits fit two formats, and two people carry such a card.",
    "credential_suspended": "The card is suspended.",
    "credential_lost": "The card was reported lost.",
    "credential_stolen": "The card was reported stolen.",
    "not_yet_valid": "The card, or its holder's authorisation, is not valid yet.",
    "expired": "The card has expired.",
    "holder_expired": "The holder's authorisation has expired.",
    "no_rule": "No rule lets this person enter this area.",
    "denied_by_rule": "A deny rule forbids it.",
    "threat_level": "A threat level admits only its own groups here.",
    "not_permitted_at_this_time": "A rule lets this person enter here, but not at this time.",
    "interlock": "Another door of the same interlock is not known to be shut and locked, or is about to be opened.",
    "store_unavailable": "Events cannot be stored, and this door then lets nobody in.",
    "reader_disabled": "An operator has disabled this reader for a while.",
    "unknown_door": "The reader belongs to no door of the running configuration.",
    "read_late": "The read is too old to act on.",
}
