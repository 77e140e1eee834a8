"""The values that API, staging, running and router hand to each other, and what each may ask of another."""
