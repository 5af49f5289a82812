"""Values that go together in a sweep: `zip(a=[1,2],b=[3,4])` is two jobs and not four."""
