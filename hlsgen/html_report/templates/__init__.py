"""The texts of the page, filled in by ``html_report.page``."""
