"""Raw wheel → shared wheel. Everything is derived from DT_NEEDED and the providers' manifests."""
