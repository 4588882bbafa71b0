"""Mails: written in the transaction that causes them, sent by a worker; without SMTP a local sink keeps them."""
