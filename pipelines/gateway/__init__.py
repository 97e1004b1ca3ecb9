"""The gateway: what the world sends us, taken over HTTP and on disk before it is answered.

Stripe's and SendGrid's webhooks, events over the Segment tracking API, the links in mails (`choices`), health and
metrics, and the API that answers questions (`api`). A thin shell: a route reads the body, asks a room and turns its
outcome into a status; nothing here decides what a delivery or a message is. It opens no warehouse, so it receives while
a run writes, and keeps nothing that a restart would miss.

`python -m pipelines.gateway` serves it, `server.command` is that as a child's arguments.
"""
