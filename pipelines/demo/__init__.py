"""The demo: a simulated business and the fake Stripe that serves it over HTTP, and a fake SendGrid."""
