"""Single sign-on by OpenID Connect: people come in through a provider that the operator has set up.

An identity is an issuer and a subject, nothing else. It is linked to an account by the person, who is signed in to the
account and to the provider; or when the account is made for it; or by a verified address, where the operator trusts the
provider with that.
"""
