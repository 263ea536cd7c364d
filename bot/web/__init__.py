"""What is reached over HTTP: the platforms' webhook, the operators' console, the members' pages."""
