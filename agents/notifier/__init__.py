"""The notifier: incidents from their topic become few, short messages in chat (docs/CHAT.md)."""
