"""From an arrival to a ticket: understood by its channel's reader, then received into a conversation."""
