"""Makes a release: seven steps from a source commit to an accepted, published, tagged buildpack."""
