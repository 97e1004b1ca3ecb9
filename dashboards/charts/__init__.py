"""Pictures: pure functions from values to an ECharts option (or to SVG), and the words for `alt`.

Nothing here asks for data or knows the page. Animation is off, a category axis carries ready-made
text (a time axis would show the browser's zone), and grid lines carry labels written by `parts`.
"""
