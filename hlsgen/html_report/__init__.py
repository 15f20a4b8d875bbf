"""``report.html``: what is known of a design, on one page that needs nothing but itself."""
