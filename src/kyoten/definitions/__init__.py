"""Programmes as data: one TOML file each, and beside it its worked examples (*.cases.toml)."""
