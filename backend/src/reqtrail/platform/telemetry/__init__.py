"""Traces and error tracking: what leaves this process for the operators' tools, if they switch it on.

``tracing`` and ``crashes`` are what the rest of the application calls; they do nothing while it is off.
``exporting`` and ``reporting`` load the libraries that send, and are loaded by nothing but ``entrypoints.telemetry``.
"""
