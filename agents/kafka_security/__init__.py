"""How Kafka is reached securely: TLS, client certificates, SASL, tokens, and what went wrong.

`agents.kafka` puts it together into the arguments of a client; nobody else imports it but the
doctor.
"""
