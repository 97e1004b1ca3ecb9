"""Questions the pages ask: of the snapshot for simple tables, of the rooms for everything with rules.

Revenue, funnels and campaigns are answered by `pipelines.revenue`, `pipelines.behaviour`,
`pipelines.campaigns` and `pipelines.delivery`; their SQL is not repeated here.
"""
