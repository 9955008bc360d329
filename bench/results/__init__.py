"""What is made of records: tables, the report, comparisons, citations, the regression check."""
