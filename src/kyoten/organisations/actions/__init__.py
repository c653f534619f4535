"""Official acts on people, their way in, the address list, areas and hubs."""
