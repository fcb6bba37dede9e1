"""What is wrong with a server or its environment as a whole, found by status and by doctor alike."""
