"""Every schema that a release ever had, in order; what was released is never changed."""
