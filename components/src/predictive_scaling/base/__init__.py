"""What every part needs: errors, clock, documents, settings, series, HTTP."""
