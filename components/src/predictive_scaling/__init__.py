"""Forecasts the CPU and memory that services will need, and recommends how to scale them.

A wing imports those below it only (`.importlinter` holds them to it):

    commands    the command line: the steps by hand
    steps       one function a pipeline step: files in, files out, around pure functions of tables
    report      what people read: pages, tables, charts
    recommend   forecast → capacity → plan → proposal; publishing and its fallback
    backtest    how good a forecast is: folds, metrics, intervals, the gates of evaluation
    models      the models that compete
    usage       usage data: from tables and Prometheus, validated
    shapes      what services are: from the cluster's series, rendered manifests, and what people say
    store       where models and documents are kept: a folder, or S3
    tell        gauges, the Pushgateway, notifications, logs
    base        errors, clock, documents, settings, series, HTTP

Times are UTC, cpu is in cores, memory in bytes. The library knows nothing of the system that runs it. `evaluation`,
`plan`, `training`, `usage_fetch`, `validation` and `settings` are old names that registered pipelines still use.
"""

from __future__ import annotations

__version__ = "0.1.0"
