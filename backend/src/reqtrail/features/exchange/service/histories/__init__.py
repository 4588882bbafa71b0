"""Importing histories: replay lines, or ReqIF files one after another, as commits with their own dates and authors."""
