enum unended { UNENDED,
