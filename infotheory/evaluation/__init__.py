"""Measurements that take long: of stored outputs or of models at work, gone on with and merged."""

__all__: list[str] = []
