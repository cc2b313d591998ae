"""The demo shop: static pages for the browser, no build step, nothing from elsewhere."""
