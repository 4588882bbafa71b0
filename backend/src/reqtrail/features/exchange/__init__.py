"""Exchange: ReqIF in and out, without loss."""
