"""Screens of a call: calls · applications · gathering (とりまとめ) · selecting."""
