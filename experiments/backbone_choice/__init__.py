"""Which small backbone to ship as model A."""
