"""asv's benchmarks: what the suite's cells measure of a release, told to asv."""
