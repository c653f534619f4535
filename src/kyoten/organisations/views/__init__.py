"""Pages of people, login, the address list, areas and hubs."""
