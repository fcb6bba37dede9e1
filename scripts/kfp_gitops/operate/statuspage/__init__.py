"""The status page: environments and their pipelines as plain records, as JSON (status.json) and as one page."""
