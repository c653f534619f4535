"""Official acts of a call: opening · applying · gathering (とりまとめ) · selecting. Each: check, change, record, notify."""
