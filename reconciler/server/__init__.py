"""The management point: policy down to agents, their messages up, content by digest."""
