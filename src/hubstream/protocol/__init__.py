"""The hub protocol without I/O: no clock, no task, no logging. Imports only `errors`, `types` and `naming`."""
