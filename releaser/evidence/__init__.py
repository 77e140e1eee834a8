"""What proves a release to a stranger: bills of materials, the statement on how it was made, signatures."""
