"""The browser's client: kairos.js, one file without dependencies."""
