"""The API: what the command line's reading commands answer, over HTTP, for whoever has a token.

`commands` is the one table of what can be asked: the routes, the checks of a request and the OpenAPI document are all
made of it. The gateway's own process only knows who asks, checks the parameters and waits; the question is answered by
`child`, a process of its own that opens the snapshot as the command line does and can be ended when it takes too long
(`workers`). So a heavy question neither slows the collector down nor takes it along when memory runs out.
"""
