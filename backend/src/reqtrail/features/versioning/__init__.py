"""The version engine: commits, refs, history, diff, merge and verification of anything registered as a kind.

It knows no requirement field: features register their kinds, structural rules and presenters.
"""
