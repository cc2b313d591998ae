"""The quality of what comes in: volume, and by source and field what is left out, new, late or there twice."""
