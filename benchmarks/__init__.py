"""One script per claim of docs/performance.md; each prints ratios measured in the same run."""
